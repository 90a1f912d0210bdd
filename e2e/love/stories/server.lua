-- A server in the tab: native clients come to it.
local socket = require "socket"

return function()
  local server = assert(socket.bind("*", 0, 8))
  server:settimeout(0)
  say("nobody", server:accept())
  local address, port = server:getsockname()
  say("listening", address, port)
  local c = wait(function()
    socket.select({ server }, nil, 0)
    return server:accept()
  end, "a client")
  c:settimeout(0)
  say("sock", c:getsockname())
  say("peer", c:getpeername())
  say("hello", receive(c))
  assert(send(c, "welcome\n12345"))
  say("long", #receive(c))
  say("end", receive(c))
  assert(send(c, "goodbye"))
  c:close()
  server:close()
end
