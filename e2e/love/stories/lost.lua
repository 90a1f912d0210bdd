-- The relay goes away.
local socket = require "socket"

return function(host, port)
  local c = assert(connect(host, port))
  say("connected")
  say("end", receive(c))
  say("new", socket.tcp4())
end
