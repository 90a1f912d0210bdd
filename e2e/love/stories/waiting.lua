-- Calls that would wait on a desktop: games connect so, and set the limit to 0 only then.
local socket = require "socket"

return function(host, port, closed_port)
  local c = assert(socket.tcp())
  say("connected", c:connect(host, port))
  say("peer", (c:getpeername()))
  say("sent", c:send("lines\nat once\n"))
  c:settimeout(0)
  say("got", receive(c))
  c:close()

  c = assert(socket.connect(host, port))
  assert(c:send("all\nleft before the connection stood"))
  c:shutdown("send")
  c:settimeout(0)
  say("got", receive(c))
  c:close()

  c = assert(socket.tcp())
  say("believed", c:connect(host, closed_port))
  c:settimeout(0)
  say("then", receive(c))
end
