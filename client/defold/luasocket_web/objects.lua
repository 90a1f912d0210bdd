--- Sockets as programs hold them: userdata with the methods of tcp.c and udp.c. What finds nothing new is answered here,
--- all else by the page.
local bridge = require "luasocket_web.bridge"

local states, ready, public = bridge.states, bridge.ready, bridge.public
local call, raise, isimpatient, refresh = bridge.call, bridge.raise, bridge.isimpatient, bridge.refresh

--- Which class each method is for.
local CLASSES = {
  tcp = {
    accept = "tcp{server}", bind = "tcp{master}", close = "tcp{any}", connect = "tcp{any}", dirty = "tcp{any}",
    getfamily = "tcp{any}", getfd = "tcp{any}", getoption = "tcp{any}", getpeername = "tcp{any}",
    getsockname = "tcp{any}", getstats = "tcp{client}", listen = "tcp{master}", receive = "tcp{client}",
    send = "tcp{client}", setfd = "tcp{any}", setoption = "tcp{any}", setpeername = "tcp{any}",
    setsockname = "tcp{master}", setstats = "tcp{client}", settimeout = "tcp{any}", shutdown = "tcp{client}",
  },
  udp = {
    close = "udp{any}", dirty = "udp{any}", getfamily = "udp{any}", getfd = "udp{any}", getoption = "udp{any}",
    getpeername = "udp{connected}", getsockname = "udp{any}", receive = "udp{any}",
    receivefrom = "udp{unconnected}", send = "udp{connected}", sendto = "udp{unconnected}", setfd = "udp{any}",
    setoption = "udp{any}", setpeername = "udp{any}", setsockname = "udp{unconnected}", settimeout = "udp{any}",
  },
}

--- Longer data is sent in pieces: as source, bytes are up to four times as long.
local PIECE = 64 * 1024

local function pass(...) return ... end

--- The state of an object of that kind, or an error: luaL_checkudata.
local function check(self, kind, method)
  local state = states[self]
  if state and state.kind == kind then return state end
  raise(("calling '%s' on bad self (%s expected, got %s)"):format(method, CLASSES[kind][method], type(self)))
end

--- Whether nothing is there to be taken, as far as can be known, and so the answer of a call that does not wait.
local function isidle(state, bit)
  if not isimpatient(state.impatient) then return false end
  local bits = ready[state.fd]
  if not bits or bits % 2 == 1 or bit == 4 and bits < 4 then return false end
  refresh()
  bits = ready[state.fd]
  return bits and bits % 2 == 0 and not (bit == 4 and bits < 4)
end

local methods = { tcp = {}, udp = {} }

for kind, classes in pairs(CLASSES) do
  for name in pairs(classes) do
    methods[kind][name] = function(self, ...)
      return pass(call(check(self, kind, name), name, ...))
    end
  end
  methods[kind].getfd = function(self) return (check(self, kind, "getfd").fd) end
end

local tcp, udp = methods.tcp, methods.udp

function tcp.dirty(self) return (check(self, "tcp", "dirty").dirty) end

function udp.dirty(self)
  check(self, "udp", "dirty")
  return false
end

function tcp.accept(self)
  local state = check(self, "tcp", "accept")
  if state.class == "tcp{server}" and isidle(state) then return nil, "timeout" end
  return pass(call(state, "accept"))
end

local PATTERNS = { ["*l"] = true, ["*a"] = true }

function tcp.receive(self, ...)
  local state = check(self, "tcp", "receive")
  local pattern, prefix = ...
  if prefix == nil and not state.dirty and state.class == "tcp{client}" and isidle(state, 4) then
    if pattern == nil or PATTERNS[pattern] or type(pattern) == "number" and pattern > 0 then
      return nil, "timeout", ""
    end
  end
  return pass(call(state, "receive", ...))
end

--- (long) of a double, as gcc converts.
local function whole(n)
  if not (n >= -2 ^ 63 and n < 2 ^ 63) then return -2 ^ 63 end
  return n < 0 and math.ceil(n) or math.floor(n)
end

--- buffer.c's range, cut here, so that no more crosses than is sent; and in pieces.
local function sendrange(state, data, i, j)
  local length = #data
  i, j = whole(i), whole(j)
  if i < 0 then i = length + i + 1 end
  if j < 0 then j = length + j + 1 end
  i, j = math.max(i, 1), math.min(j, length)
  local before = i - 1
  repeat
    -- Where nothing is to be sent the bounds may be beyond what string.sub takes, or mean another thing there.
    local piece = i > j and "" or data:sub(before + 1, math.min(j, before + PIECE))
    local sent, err, last = call(state, "send", piece)
    if not sent then return nil, err, before + last end
    before = before + #piece
  until before >= j
  return before, nil, nil
end

function tcp.send(self, ...)
  local state = check(self, "tcp", "send")
  local data, i, j = ...
  local ranged = (i == nil or type(i) == "number") and (j == nil or type(j) == "number")
  if type(data) == "string" and ranged and (i or j or #data > PIECE) then
    return pass(sendrange(state, data, i or 1, j or -1))
  end
  return pass(call(state, "send", ...))
end

function udp.receive(self, ...)
  local state = check(self, "udp", "receive")
  if select("#", ...) == 0 and isidle(state, 4) then return nil, "timeout" end
  return pass(call(state, "receive", ...))
end

function udp.receivefrom(self, ...)
  local state = check(self, "udp", "receivefrom")
  if select("#", ...) == 0 and state.class == "udp{unconnected}" and isidle(state, 4) then return nil, "timeout" end
  return pass(call(state, "receivefrom", ...))
end

-- Userdata -------------------------------------------------------------------------------------------------------

--- A userdata of each kind, whose metatable the others share.
local samples = {}

for kind, of in pairs(methods) do
  for name, method in pairs(of) do public[method] = { name = name, method = true } end
  local sample = newproxy(true)
  local metatable = getmetatable(sample)
  function metatable.__index(self, key)
    if key == "class" then
      local state = states[self]
      return state and state.class
    end
    return of[key]
  end
  function metatable.__tostring(self)
    local state = states[self]
    return ("%s: 0x%08x"):format(state.class, 0x55000000 + state.id * 64)
  end
  function metatable.__gc(self)
    local state = states[self]
    if state then bridge.drop(state) end
  end
  samples[kind] = sample
end

function bridge.make(state)
  local object = newproxy(samples[state.kind])
  states[object] = state
  return object
end
