--- Runs scenarios on a real LuaSocket and prints their transcripts.
--
--   lua5.1 real.lua < scenarios/29-select.jsonl > transcripts-3.1.0/29-select.jsonl
--
-- Pure Lua 5.1: needs only `require "socket"`, `io.lines` and `print`, so that it also runs in a Lua VM in a browser.
-- The format is described in README.md beside this file; runner.ts is the same program for the client in JavaScript.
local socket = require "socket"

-- LuaSocket 3.0-rc1 and Defold's fork have no tcp4 and udp4, since their tcp and udp are IPv4 already.
socket.tcp4 = socket.tcp4 or socket.tcp
socket.udp4 = socket.udp4 or socket.udp

local LONGEST = 160 -- byte strings above this length are printed as length, checksum and both ends

-- Reading JSON ---------------------------------------------------------------------------------------------------
-- null becomes NIL; arrays carry their length in the field SIZE, because they may hold NIL.

local NIL, SIZE = {}, {}
local ESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local Reader = {}
Reader.__index = Reader

function Reader:fail(what)
  error(("bad JSON: %s at byte %d of %s"):format(what, self.at, self.text), 0)
end

--- The next character that is not blank, which stays unread.
function Reader:peek()
  self.at = self.text:find("%S", self.at) or #self.text + 1
  return self.text:sub(self.at, self.at)
end

function Reader:expect(char)
  if self:peek() ~= char then self:fail(("no '%s'"):format(char)) end
  self.at = self.at + 1
end

function Reader:string()
  self:expect '"'
  local parts = {}
  while true do
    local plain, stop = self.text:match('^([^"\\]*)(["\\])', self.at)
    if not plain then self:fail "no end of string" end
    parts[#parts + 1] = plain
    self.at = self.at + #plain + 1
    if stop == '"' then return table.concat(parts) end
    local code = self.text:match("^u(%x%x%x%x)", self.at)
    local letter = self.text:sub(self.at, self.at)
    if code then
      local byte = tonumber(code, 16)
      if byte > 255 then self:fail "a character above U+00FF" end
      parts[#parts + 1] = string.char(byte)
      self.at = self.at + 5
    else
      parts[#parts + 1] = ESCAPES[letter] or letter
      self.at = self.at + 1
    end
  end
end

--- Calls `element` for each element up to `close`.
function Reader:sequence(close, element)
  self.at = self.at + 1
  if self:peek() ~= close then
    repeat
      element()
      local more = self:peek() == ","
      if more then self.at = self.at + 1 end
    until not more
  end
  self:expect(close)
end

function Reader:value()
  local first = self:peek()
  if first == '"' then return self:string() end
  if first == "[" then
    local array = { [SIZE] = 0 }
    self:sequence("]", function()
      local n = array[SIZE] + 1
      array[n], array[SIZE] = self:value(), n
    end)
    return array
  end
  if first == "{" then
    local object = {}
    self:sequence("}", function()
      self:peek()
      local key = self:string()
      self:expect ":"
      object[key] = self:value()
    end)
    return object
  end
  local word = self.text:match("^[%w.+-]+", self.at) or self:fail "no value"
  self.at = self.at + #word
  if word == "null" then return NIL end
  if word == "true" or word == "false" then return word == "true" end
  return tonumber(word) or self:fail "no number"
end

local function parse(text)
  return setmetatable({ text = text, at = 1 }, Reader):value()
end

-- Printing values ------------------------------------------------------------------------------------------------

local names = {} -- object -> the id of the operation that first returned it

local function quote(bytes)
  return '"' .. bytes:gsub('[%c\127-\255%z"\\]', function(char) return ("\\u%04x"):format(char:byte()) end) .. '"'
end

local function adler32(bytes)
  local a, b = 1, 0
  for i = 1, #bytes do
    a = (a + bytes:byte(i)) % 65521
    b = (b + a) % 65521
  end
  return ("%.0f"):format(b * 65536 + a)
end

local function mask(value)
  return ('{"$masked":"%s"}'):format(type(value))
end

local function class(value)
  local ok, name = pcall(function() return value.class end)
  if ok and type(name) == "string" then return name end
  return nil
end

local printers = {}

--- `masked`: a set of keys of tables whose values are printed as their type.
local function show(value, masked)
  return (printers[type(value)] or printers["function"])(value, masked)
end

printers["nil"] = function() return "null" end
printers.boolean = tostring
printers["function"] = function() return '{"$fn":true}' end

function printers.string(bytes)
  if #bytes <= LONGEST then return quote(bytes) end
  return ('{"$long":%d,"adler32":%s,"head":%s,"tail":%s}'):format(
    #bytes, adler32(bytes), quote(bytes:sub(1, 16)), quote(bytes:sub(-16)))
end

function printers.number(number)
  if number ~= number then return '{"$num":"nan"}' end
  if number == math.huge then return '{"$num":"inf"}' end
  if number == -math.huge then return '{"$num":"-inf"}' end
  return ("%.14g"):format(number)
end

function printers.userdata(object)
  return ('{"$obj":%s,"id":%s}'):format(quote(class(object) or "userdata"), names[object] and quote(names[object]) or "null")
end

function printers.table(t, masked)
  if names[t] then return ('{"$obj":"table","id":%s}'):format(quote(names[t])) end
  local list, pairs_, n = {}, {}, 0
  while rawget(t, n + 1) ~= nil do
    n = n + 1
    list[n] = show(rawget(t, n), masked)
  end
  for key, value in pairs(t) do
    local listed = type(key) == "number" and key >= 1 and key <= n and key % 1 == 0
    if not listed then
      local shown = masked and masked[key] and mask(value) or show(value, masked)
      pairs_[#pairs_ + 1] = ("[%s,%s]"):format(show(key), shown)
    end
  end
  table.sort(pairs_)
  local map = #pairs_ > 0 and (',"$map":[%s]'):format(table.concat(pairs_, ",")) or ""
  return ('{"$list":[%s]%s}'):format(table.concat(list, ","), map)
end

-- Running operations ---------------------------------------------------------------------------------------------

local results = {} -- id -> what the operation returned, with its count in n
local logged, opened = {}, {}

local function pack(...) return { n = select("#", ...), ... } end

local helpers = {
  eq = rawequal,
  type = type,
  class = class,
  pack = function(...) return ... end,
  raise = function(value) error(value, 0) end,
  len = function(s) return #s end,
  between = function(x, low, high) return type(x) == "number" and x >= low and x <= high end,
  age = function(since) return socket.gettime() - since end,
}

function helpers.tostring(value)
  return (tostring(value):gsub("0x%x+", "PTR"))
end

function helpers.log(value)
  logged[#logged + 1] = value
  return value
end

function helpers.getlog()
  local log = logged
  logged = {}
  return log
end

function helpers.fakesock(fd, dirty)
  return { getfd = function() return fd end, dirty = function() return dirty end }
end

function helpers.keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = tostring(key) end
  table.sort(keys)
  return keys
end

function helpers.gc()
  collectgarbage()
  collectgarbage() -- what a finalizer freed
end

local run

local function reference(path)
  local id, rest = path:match("^([^.]+)%.?(.*)$")
  local v = results[id] or error("unknown id " .. id, 0)
  if rest == "" then return v[1] end
  for key in rest:gmatch("[^.]+") do v = v[tonumber(key) or key] end
  return v
end

--- An argument as a Lua value. `given` are the arguments of the `$do` function around it.
local function resolve(json, given)
  if json == NIL then return nil end
  if type(json) ~= "table" then return json end
  local t = {}
  if json[SIZE] then
    for i = 1, json[SIZE] do t[i] = resolve(json[i], given) end
    return t
  end
  if json["$ref"] then return reference(json["$ref"]) end
  if json["$arg"] then return given[json["$arg"]] end
  if json["$rep"] then return json["$rep"][1]:rep(json["$rep"][2]) end
  if json["$num"] then return ({ inf = math.huge, ["-inf"] = -math.huge, nan = 0 / 0 })[json["$num"]] end
  if json["$do"] then
    local operations = json["$do"]
    return function(...)
      local mine, last = pack(...), { n = 0 }
      for i = 1, operations[SIZE] do last = run(operations[i], mine) end
      return unpack(last, 1, last.n)
    end
  end
  if json["$pairs"] then
    for i = 1, json["$pairs"][SIZE] do
      local pair = json["$pairs"][i]
      t[resolve(pair[1], given)] = resolve(pair[2], given)
    end
    return t
  end
  for key, value in pairs(json) do t[key] = resolve(value, given) end
  return t
end

-- Each name gets a call site of its own, because Lua's messages name what was called ("bad argument #1 to 'send'") as
-- it stands at the call, and count arguments of a method without the object.
local FUNCTION = "local pack, socket = ... return function(...) local r = pack(%s(...)) return r end"
local METHOD = "local pack = ... return function(o, ...) local r = pack(o:%s(...)) return r end"
local sites = { [FUNCTION] = {}, [METHOD] = {} }

local function site(template, name)
  local made = sites[template][name]
  if not made then
    made = assert(loadstring(template:format(name), "=scenario"))(pack, socket)
    sites[template][name] = made
  end
  return made
end

local function perform(op, args, n)
  if op.get then
    local v = { socket = socket }
    for key in op.get:gmatch("[^.]+") do v = v[key] end
    return pack(v)
  end
  if op.on then return site(METHOD, op.call)(reference(op.on), unpack(args, 1, n)) end
  if helpers[op.call] then return pack(helpers[op.call](unpack(args, 1, n))) end
  if results[op.call] then return pack(results[op.call][1](unpack(args, 1, n))) end
  return site(FUNCTION, op.call)(unpack(args, 1, n))
end

--- Runs one operation and raises what it raises.
function run(op, given)
  local args, n = {}, op.args and op.args[SIZE] or 0
  for i = 1, n do args[i] = resolve(op.args[i], given) end
  local r = perform(op, args, n)
  for i = 1, r.n do
    if type(r[i]) == "userdata" then opened[#opened + 1] = r[i] end
  end
  if op.id then
    results[op.id] = r
    local first = r[1]
    if (type(first) == "userdata" or op.call == "fakesock") and not names[first] then names[first] = op.id end
  end
  return r
end

local function set(array)
  local s = {}
  for i = 1, array and array[SIZE] or 0 do s[array[i]] = true end
  return s
end

--- The line of the transcript for one operation.
local function line(number, op)
  local ok, r = pcall(run, op)
  if not ok then
    -- A string that Lua raised begins with the place it was raised at.
    if type(r) == "string" then r = r:gsub("^%S+:%d+: ", "") end
    return ('{"n":%d,"raise":%s}'):format(number, show(r))
  end
  if op.drop then return ('{"n":%d,"ok":true}'):format(number) end
  local masks, keys, shown = set(op.mask), set(op.maskmap), {}
  for i = 1, r.n do shown[i] = masks[i] and mask(r[i]) or show(r[i], keys) end
  return ('{"n":%d,"ret":[%s]}'):format(number, table.concat(shown, ","))
end

local number = 0
for text in io.lines() do
  if text:find "%S" and not text:find "^%s*#" then
    local op = parse(text)
    if op.scenario then
      for _, object in ipairs(opened) do pcall(function() object:close() end) end
      results, names, logged, opened, number = {}, {}, {}, {}, 0
      print(('{"scenario":%s}'):format(quote(op.scenario)))
    else
      number = number + 1
      print(line(number, op))
    end
  end
end
