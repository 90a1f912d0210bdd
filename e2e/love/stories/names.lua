-- Names: known at once, or after a while.
local socket = require "socket"

return function(name, address, port, missing)
  say("localhost", (socket.dns.toip("localhost")))
  say("itself", (socket.dns.toip("127.0.0.1")))
  -- At first sight of a name.
  local c = assert(connect(name, port))
  say("peer", (c:getpeername()))
  assert(send(c, "lines\nhello\n"))
  say("got", receive(c))
  c:close()
  say("ip", (wait(function()
    local ip = socket.dns.toip(name)
    return ip == address and ip
  end, "the address")))
  say("missing", (wait(function()
    local ip, err = socket.dns.toip(missing)
    return not ip and err
  end, "no address")))
  say("connect", connect(missing, port))
end
