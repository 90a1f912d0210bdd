--- The functions of `socket`, as the engine has them on desktops, with the helpers of `builtins.scripts.socket`.
local bridge = require "luasocket_web.bridge"
local coroutines = require "luasocket_web.coroutines"
local helpers = require "luasocket_web.helpers"

local SETSIZE = 1024

local states, ready, public = bridge.states, bridge.ready, bridge.public
local raise = bridge.raise

local function pass(...) return ... end

local M = { _VERSION = "LuaSocket 3.0-rc1", _SETSIZE = SETSIZE, dns = {} }

--- luaL_checknumber of what is the n-th of `...`.
local function checknumber(name, n, ...)
  local given = select(n, ...)
  local number = (type(given) == "number" or type(given) == "string") and tonumber(given)
  if number then return number end
  local got = select("#", ...) < n and "no value" or type(given)
  raise(("bad argument #%d to '%s' (number expected, got %s)"):format(n, name, got))
end

function M.skip(...)
  local count = checknumber("skip", 1, ...)
  count = count < 0 and math.ceil(count) or math.floor(count)
  -- With a negative count, what stands before the others on the stack is the count itself.
  if count < 0 then return ... end
  if count + 1 >= select("#", ...) then return end
  return select(count + 2, ...)
end

local native = socket and { sleep = socket.sleep, gettime = socket.gettime } or {}
M.gettime = native.gettime

--- Only a coroutine can sleep without stopping the page.
function M.sleep(...)
  local seconds = checknumber("sleep", 1, ...)
  if coroutine.running() then return pass(bridge.library("sleep", seconds)) end
  native.sleep(seconds)
end

-- Exceptions: except.c -------------------------------------------------------------------------------------------

local function nothing() end

--- Raises a table with the second argument in it, or, of one alone, with what the finalizer raised: lua_pcall leaves that on the
--- stack, behind the arguments.
function M.newtry(finalizer)
  if finalizer == nil then finalizer = nothing end
  return function(...)
    if (...) then return ... end
    local fine, raised = coroutines.pcall(finalizer)
    if fine or select("#", ...) ~= 1 then raised = select(2, ...) end
    error({ raised }, 0)
  end
end

local function outcome(ok, ...)
  if ok then return ... end
  local raised = ...
  if type(raised) == "table" then return nil, (rawget(raised, 1)) end
  error(raised, 0)
end

function M.protect(f)
  return function(...) return outcome(coroutines.pcall(f, ...)) end
end

-- select.c -------------------------------------------------------------------------------------------------------

--- What cannot be indexed.
local DULL = { number = true, boolean = true, ["function"] = true, thread = true }

local function ask(object, method)
  if DULL[type(object)] then raise(("attempt to index a %s value"):format(type(object))) end
  local found = object[method]
  if found == nil then return nil end
  return found(object)
end

local function descriptor(object)
  local state = states[object]
  if state then return state.fd end
  local fd = tonumber((ask(object, "getfd")))
  if fd and fd >= 0 then return math.floor(fd) end
  return -1
end

local function isdirty(object)
  local state = states[object]
  if state then return state.dirty end
  return ask(object, "dirty")
end

--- collect_fd: objects and their descriptors; `byfd` holds the last object of each.
local function collect(t, n, byfd)
  local objects, fds = {}, {}
  if t == nil then return objects, fds end
  if type(t) ~= "table" then raise(("bad argument #%d to 'select' (table expected, got %s)"):format(n, type(t))) end
  local i = 1
  local object = t[i]
  while object ~= nil do
    local fd = descriptor(object)
    if fd >= 0 then
      if fd >= SETSIZE then raise(("bad argument #%d to 'select' (descriptor too large for set size)"):format(n)) end
      objects[#objects + 1], fds[#fds + 1] = object, fd
      byfd[fd] = object
    end
    i = i + 1
    object = t[i]
  end
  return objects, fds
end

--- check_dirty: objects that hold data, and the descriptors of the others.
local function separate(objects, fds)
  local dirty, without = {}, {}
  for i, object in ipairs(objects) do
    if isdirty(object) then
      dirty[#dirty + 1] = object
      without[fds[i]] = true
    end
  end
  if not dirty[1] then return dirty, fds end
  local rest = {}
  for _, fd in ipairs(fds) do
    if not without[fd] then rest[#rest + 1] = fd end
  end
  return dirty, rest
end

--- make_assoc: objects `first`, then those of descriptors in their order and each once; doubly keyed.
local function association(first, fds, byfd)
  local t = first
  table.sort(fds)
  local last
  for _, fd in ipairs(fds) do
    if fd ~= last then t[#t + 1] = byfd[fd] end
    last = fd
  end
  for i = 1, #t do t[t[i]] = i end
  return t
end

--- Those of the descriptors that have the bit; nil when one of them is unknown here.
local function known(fds, divisor)
  local found = {}
  for _, fd in ipairs(fds) do
    local bits = ready[fd]
    if not bits then return nil end
    if math.floor(bits / divisor) % 2 == 1 then found[#found + 1] = fd end
  end
  return found
end

local function watch(reading, writing, seconds)
  if bridge.isimpatient(seconds == 0) then
    bridge.refresh()
    local readable, writable = known(reading, 1), known(writing, 2)
    if readable and writable then return readable, writable end
    return bridge.select(false, reading, writing, 0)
  end
  return bridge.select(true, reading, writing, seconds)
end

function M.select(...)
  local recvt, sendt, timeout = ...
  local seconds = timeout == nil and -1 or checknumber("select", 3, ...)
  local byfd = {}
  local receivers, fds = collect(recvt, 1, byfd)
  local _, writing = collect(sendt, 2, byfd)
  local dirty, reading = separate(receivers, fds)
  local readable, writable = watch(reading, writing, dirty[1] and 0 or seconds)
  local r, w = association(dirty, readable, byfd), association({}, writable, byfd)
  if r[1] or w[1] then return r, w end
  return r, w, "timeout"
end

-- What the page serves -------------------------------------------------------------------------------------------

--- connect4, connect6 and bind of the helpers need more calls than one.
helpers(M)

for _, name in ipairs { "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "connect", "connect4", "connect6", "bind" } do
  M[name] = function(...) return pass(bridge.library(name, ...)) end
end

for _, name in ipairs { "toip", "tohostname", "gethostname", "getaddrinfo", "getnameinfo" } do
  M.dns[name] = function(...) return pass(bridge.library("dns." .. name, ...)) end
end

-- Names for errors -----------------------------------------------------------------------------------------------

for _, functions in ipairs { M, M.dns } do
  for name, f in pairs(functions) do
    if type(f) == "function" then public[f] = { name = name } end
  end
end

return M
