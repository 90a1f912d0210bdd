-- What can be had where only a runtime's WebSockets are served.
local socket = require "socket"

local SIZE = 8 * 1024 * 1024

return function(host, port, udp_port, closed_port)
  local c = assert(connect(host, port))
  assert(send(c, "lines\nfirst\nbye\n"))
  say("got", receive(c))
  receive(c)
  say("end", receive(c))
  c:close()

  c = assert(connect(host, port))
  local block = {}
  for i = 1, 64 * 1024 do block[i] = string.char(math.random(0, 255)) end
  block = table.concat(block)
  assert(send(c, "count " .. SIZE .. "\n"))
  for _ = 1, SIZE / #block do assert(send(c, block)) end
  local parts, size = {}, 0
  while size < SIZE do
    local data, err, partial = c:receive(math.min(65536, SIZE - size))
    assert(data or err == "timeout", err)
    parts[#parts + 1] = data or partial
    size = size + #(data or partial)
    if err then frame() end
  end
  say("both ways", table.concat(parts) == block:reverse():rep(SIZE / #block))
  c:close()

  c = assert(socket.tcp())
  c:settimeout(0)
  c:connect(host, closed_port)
  local readable = wait(function() return socket.select({ c }, nil, 0)[1] end, "a refusal")
  say("refused", readable == c and c:receive() == nil)
  c:close()

  local u = assert(socket.udp())
  u:settimeout(0)
  assert(u:setpeername(host, udp_port))
  assert(u:send("question"))
  say("answered", wait(function() return u:receive() end, "an answer") == "question")
  u:close()
end
