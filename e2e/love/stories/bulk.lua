-- 8 MiB from a native server, and back to it.
local socket = require "socket"

return function(host, port, path)
  local c = assert(connect(host, port))
  assert(send(c, "send " .. path .. "\n"))
  local parts = {}
  while true do
    local data, err, partial = c:receive(65536)
    parts[#parts + 1] = data or partial
    if err == "closed" then break end
    if err then frame() end
  end
  c:close()
  local all = table.concat(parts)
  say("received", #all, love.data.encode("string", "hex", love.data.hash("sha256", all)))

  c = assert(connect(host, port))
  assert(send(c, "all\n"))
  assert(send(c, all))
  c:shutdown("send")
  say("sent", receive(c))
  c:close()
end
