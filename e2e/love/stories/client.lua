-- A TCP client of a native LuaSocket server.
local socket = require "socket"

return function(host, port, closed_port)
  local c = assert(connect(host, port))
  say("peer", c:getpeername())
  say("own", (c:getsockname()), (select(2, c:getsockname())) ~= 0)
  assert(send(c, "lines\nfirst\r\nsecond\n"))
  say("got", receive(c))
  say("got", receive(c))
  say("nodelay", c:setoption("tcp-nodelay", true), c:setoption("keepalive", true))
  say("nothing", c:receive())
  assert(send(c, "bye\n"))
  say("got", receive(c))
  say("end", receive(c))
  c:close()

  c = assert(connect(host, port))
  assert(send(c, "names\n"))
  local their_peer, their_own = receive(c), receive(c)
  local address, own = c:getsockname()
  say("names agree", their_peer == address .. " " .. own .. " inet", their_own == host .. " " .. port .. " inet")
  c:close()

  c = assert(connect(host, port))
  assert(send(c, "all\n" .. ("x"):rep(1000)))
  say("shutdown", c:shutdown("send"))
  say("heard", receive(c))
  c:close()

  say("refused", connect(host, closed_port))
end
