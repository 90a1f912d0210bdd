-- ENet, reliable and not, between two games: one hosts, the other joins.
local enet = require "enet"

local function event(host, kind)
  local e = wait(function() return host:service(0) end, kind)
  assert(e.type == kind, e.type)
  return e
end

return function(address)
  if address == "" then
    local host = assert(enet.host_create("127.0.0.1:0", 4, 2))
    say("hosting", host:get_socket_address())
    event(host, "connect")
    local e = event(host, "receive")
    say("heard", #e.data, love.data.encode("string", "hex", love.data.hash("sha256", e.data)))
    e.peer:send("welcome", 0, "reliable")
    e.peer:send("quick", 1, "unreliable")
    event(host, "disconnect")
    host:destroy()
  else
    local host = assert(enet.host_create(nil, 1, 2))
    local peer = host:connect(address, 2)
    event(host, "connect")
    -- More than a packet of UDP carries: ENet makes fragments.
    peer:send(("ENet "):rep(8000), 0, "reliable")
    local heard = { event(host, "receive").data, event(host, "receive").data }
    table.sort(heard)
    say("heard", heard[1], heard[2])
    peer:disconnect()
    event(host, "disconnect")
    host:destroy()
  end
end
