--- Calls into the page, and what the game knows without asking: `html5.run` evaluates a string and answers with one. What
--- comes back is Lua source. One call in each frame brings all that has happened; others are made where the answer
--- is needed at once. What is known of sockets stands in `states` and `ready`.
local coroutines = require "luasocket_web.coroutines"

local M = {}

local GLOBAL = "LuaSocketDefold"
--- The page's half of this Lua: scripts, GUI and rendering may have one each.
local half
--- Seconds that what is known of descriptors holds: less than a frame, so that who forgets `update` still hears of things.
local FRESH = 0.004

local RAISE, OPEN = {}, {}

--- Object -> what is known of it: id, kind, class, fd, dirty, impatient.
M.states = setmetatable({}, { __mode = "k" })
--- Descriptor -> bits: 1 readable, 2 writable, 4 receiving finds nothing while it is not readable. No bits: no such socket.
M.ready = {}
--- Functions that programs call: what they are called by, and from where, stands in errors. Methods count no `self`.
M.public = {}
--- The connection: its state, and why it is lost.
M.state, M.why = "unconnected", ""
--- Also calls with a limit of 0 ask the relay, when they are made in a coroutine.
M.exact = false

local clock = socket and socket.gettime or os.clock
local states, ready = M.states, M.ready
local byid = setmetatable({}, { __mode = "v" })
--- Answers of open calls, the coroutines that wait for them, and those that wait for the connection.
local settled, waiting, early = {}, {}, {}
--- Numbers of objects that the garbage collector found.
local dropped = {}
local looked = -1
local environment = {}

-- Lua values as JavaScript ---------------------------------------------------------------------------------------

local ESCAPES = {}
for byte = 0, 255 do ESCAPES[string.char(byte)] = ("\\x%02x"):format(byte) end

local function text(bytes)
  return '"' .. bytes:gsub('[%c"\\\127-\255]', ESCAPES) .. '"'
end

local FIELDS = { "on", "timeout", "multiaddr", "interface" }
local written = {}

local function value(v)
  return (written[type(v)] or written.userdata)(v)
end

written["nil"] = function() return "undefined" end
written["function"] = function() return "()=>0" end
written.boolean = tostring
written.string = text
--- What it is is all that counts.
function written.userdata() return '{class:""}' end

function written.number(n)
  if n ~= n then return "NaN" end
  if n == math.huge then return "Infinity" end
  if n == -math.huge then return "-Infinity" end
  return ("%.17g"):format(n)
end

--- Values of options: options.c asks for their fields by name.
function written.table(t)
  local parts = {}
  for _, field in ipairs(FIELDS) do
    local v = t[field]
    if v ~= nil then parts[#parts + 1] = field .. ":" .. (type(v) == "table" and "{}" or value(v)) end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function list(...)
  local n = select("#", ...)
  if n == 0 then return "[]" end
  if n == 1 then return "[" .. value((...)) .. "]" end
  local parts = {}
  for i = 1, n do parts[i] = value((select(i, ...))) end
  return "[" .. table.concat(parts, ",") .. "]"
end

-- Errors ---------------------------------------------------------------------------------------------------------

--- LuaSocket's message by the name that the caller used, counted as the caller sees it: luaL_argerror. What a function
--- called in turn has a name of its own.
local function renamed(message, public, name, namewhat)
  local at, called, said = message:match "^bad argument #(%-?%d+) to '([^']*)' (%(.*%))$"
  if at and called ~= public.name then return message end
  if at and public.method and namewhat ~= "method" then at = tonumber(at) + 1 end
  if not at then
    said = message:match "^calling '[^']*' on bad self (%(.*%))$"
    if not said then return message end
    if namewhat == "method" then return ("calling '%s' on bad self %s"):format(name or "?", said) end
    at = 1
  end
  return ("bad argument #%s to '%s' %s"):format(at, name or "?", said)
end

--- Raises in the name of the public function that runs, at the place that called it.
function M.raise(message)
  local level = 2
  while true do
    local info = debug.getinfo(level, "nf")
    if not info then error(message, 0) end
    local public = M.public[info.func]
    if public then
      local caller = debug.getinfo(level + 1, "S")
      -- A tail call leaves no trace of its caller, and so no name.
      if caller and caller.what == "tail" then error(message, level + 2) end
      error(renamed(message, public, info.name, info.namewhat), level + 1)
    end
    level = level + 1
  end
end

-- Calls ----------------------------------------------------------------------------------------------------------

--- What an answer of the page may do.
function environment.S(id, fd, class, dirty, impatient)
  local state = byid[id]
  if state then state.fd, state.class, state.dirty, state.impatient = fd, class, dirty, impatient end
end

function environment.F(fd, bits) ready[fd] = bits end

function environment.C(state, why) M.state, M.why = state, why end

function environment.D(id, ...)
  settled[id] = { n = select("#", ...), ... }
end

function environment.N(id, kind, fd, class)
  local state = { id = id, kind = kind, fd = fd, class = class, dirty = false, impatient = false }
  byid[id] = state
  return M.make(state)
end

environment.E, environment.P = RAISE, OPEN

local function run(code)
  if dropped[1] then
    code = half .. ".drop(" .. table.concat(dropped, ",") .. ");" .. code
    for i = #dropped, 1, -1 do dropped[i] = nil end
  end
  return setfenv(assert(loadstring(html5.run(code), "=luasocket")), environment)()
end

--- Waits for the answer of an open call.
local function wait(id)
  waiting[id] = coroutines.root(coroutine.running())
  while not settled[id] do coroutine.yield() end
  local answer = settled[id]
  settled[id], waiting[id] = nil, nil
  if answer[1] == RAISE then M.raise(answer[2]) end
  return unpack(answer, 1, answer.n)
end

local function answered(...)
  local first, second = ...
  if first == RAISE then M.raise(second) end
  if first == OPEN then return wait(second) end
  return ...
end

--- Calls a method of the object with that state.
function M.call(state, method, ...)
  local patience = not coroutines.running() and 0 or M.exact and 2 or 1
  return answered(run(("%s.call(%d,%d,%q,%s)"):format(half, patience, state.id, method, list(...))))
end

--- Calls a function of the library.
function M.library(name, ...)
  local waits = coroutines.running() ~= nil
  while waits and M.state == "connecting" do
    early[#early + 1] = coroutines.root(coroutine.running())
    coroutine.yield()
  end
  return answered(run(("%s.library(%s,%q,%s)"):format(half, tostring(waits), name, list(...))))
end

--- Descriptors that are ready, as two lists, and "timeout" when none is.
function M.select(waits, reading, writing, seconds)
  local lists = ("[%s],[%s]"):format(table.concat(reading, ","), table.concat(writing, ","))
  return answered(run(("%s.select(%s,%s,%s)"):format(half, tostring(waits), lists, value(seconds))))
end

--- Whether calls with that limit are to be answered from what is known here.
function M.isimpatient(impatient)
  if not coroutines.running() then return true end
  return impatient and not M.exact
end

-- Frames ---------------------------------------------------------------------------------------------------------

local function look()
  run(half .. ".look()")
  looked = clock()
end

--- Sees to it that what is known of descriptors is as new as can be.
function M.refresh()
  local now = clock()
  if now - looked > FRESH or now < looked then look() end
end

--- Forgets an object, and closes its socket.
function M.drop(state)
  dropped[#dropped + 1] = state.id
end

--- Brings what has happened, and resumes the coroutines that wait for it. Answers the first error of theirs, with its
--- traceback.
function M.update()
  look()
  local due, problem = {}, nil
  for id, co in pairs(waiting) do
    if coroutine.status(co) == "dead" then
      settled[id], waiting[id] = nil, nil
    elseif settled[id] then
      due[#due + 1] = co
    end
  end
  if early[1] and M.state ~= "connecting" then
    for _, co in ipairs(early) do due[#due + 1] = co end
    early = {}
  end
  for _, co in ipairs(due) do
    if coroutine.status(co) == "suspended" then
      local ok, err = coroutine.resume(co)
      if not ok then problem = problem or M.traceback(co, err) end
    end
  end
  return problem
end

function M.traceback(co, err)
  if type(err) ~= "string" then return err end
  return debug.traceback(co, err)
end

-- The connection -------------------------------------------------------------------------------------------------

--- Loads the page's half; its script once for all.
function M.load(source)
  if html5.run("typeof " .. GLOBAL) == "undefined" then html5.run(source) end
  half = ("%s.halves[%s]"):format(GLOBAL, html5.run(GLOBAL .. ".begin()"))
end

function M.open(url, ticket, exact)
  M.exact = exact
  run(("%s.open(%s,%s,%s)"):format(half, text(url), value(ticket), tostring(exact)))
  look()
end

function M.close()
  run(half .. ".close()")
  look()
end

return M
