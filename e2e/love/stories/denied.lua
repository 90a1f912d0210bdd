-- Somewhere that a relay for development does not reach.
local socket = require "socket"

return function()
  local c = socket.tcp()
  c:settimeout(0)
  local connected, why = c:connect("192.0.2.1", 80)
  while why == "timeout" or why == "Operation already in progress" do
    frame()
    connected, why = c:connect("192.0.2.1", 80)
  end
  say("answer", connected, why)
end
