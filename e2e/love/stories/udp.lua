-- UDP both ways: to a native echo, connected and not, and from whoever sends.
local socket = require "socket"

local function datagram(u, method)
  return wait(function()
    local data, from, port = u[method](u)
    if data then return { data, from, port } end
    assert(from == "timeout", from)
  end, "a datagram")
end

return function(host, port, host6, port6)
  local u = assert(socket.udp4())
  u:settimeout(0)
  say("nothing", u:receivefrom())
  assert(u:sendto("one", host, port))
  say("from", unpack(datagram(u, "receivefrom")))
  u:close()

  u = assert(socket.udp())
  u:settimeout(0)
  assert(u:setpeername(host, port))
  say("peer", u:getpeername())
  assert(u:send("two"))
  say("got", datagram(u, "receive")[1])
  local noise = love.data.newByteData(8192):getString():gsub(".", function() return string.char(math.random(0, 255)) end)
  assert(u:send(noise))
  say("noise", datagram(u, "receive")[1] == noise)
  u:close()

  local six = assert(socket.udp6())
  six:settimeout(0)
  assert(six:sendto("six", host6, port6))
  say("from", unpack(datagram(six, "receivefrom")))
  six:close()

  local server = assert(socket.udp4())
  server:settimeout(0)
  assert(server:setoption("broadcast", true))
  assert(server:setsockname("*", 0))
  -- Who has an answer is bound, also as the relay sees it.
  assert(server:sendto("ready", host, port))
  datagram(server, "receivefrom")
  say("bound", server:getsockname())
  local got = datagram(server, "receivefrom")
  say("asked", unpack(got))
  assert(server:sendto("answer to " .. got[1], got[2], got[3]))
  server:close()
end
