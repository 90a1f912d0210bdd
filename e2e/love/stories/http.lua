-- socket.http, which waits in the middle of its work, over frames.
local socket = require "socket"

-- Its work runs in a coroutine of its own: Lua 5.1 cannot yield across pcall.
function socket.protect(f)
  return function(...)
    local work = coroutine.create(f)
    local results = { coroutine.resume(work, ...) }
    while coroutine.status(work) ~= "dead" do
      frame()
      results = { coroutine.resume(work) }
    end
    if results[1] then return unpack(results, 2, table.maxn(results)) end
    return nil, type(results[2]) == "table" and results[2][1] or results[2]
  end
end
local http = require "socket.http"
local ltn12 = require "ltn12"

local Frames = {}
Frames.__index = Frames
function Frames:connect(...)
  self.c = socket.try(connect(...))
  return 1
end
function Frames:settimeout() return 1 end
function Frames:receive(pattern, prefix)
  local data, err, partial = self.c:receive(pattern, prefix)
  while err == "timeout" do
    frame()
    data, err, partial = self.c:receive(pattern, partial)
  end
  return data, err, partial
end
function Frames:send(data, first, last) return send(self.c, data:sub(first or 1, last or -1)) end
function Frames:close() return self.c and self.c:close() end

return function(url)
  local parts = {}
  local ok, code, headers = http.request {
    url = url,
    sink = ltn12.sink.table(parts),
    create = function() return setmetatable({}, Frames) end,
  }
  assert(ok, code)
  local body = table.concat(parts)
  say("answer", code, headers["content-type"], #body, love.data.encode("string", "hex", love.data.hash("sha256", body)))
end
