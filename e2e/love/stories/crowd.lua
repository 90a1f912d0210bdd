-- Many sockets in one select loop.
local socket = require "socket"

return function(host, port, count)
  local waiting, writers, numbers = {}, {}, {}
  for i = 1, count do
    local c = assert(socket.tcp())
    c:settimeout(0)
    c:connect(host, port)
    writers[i], numbers[c] = c, i
  end
  local readers, done = {}, 0
  wait(function()
    local readable, writable = socket.select(readers, writers, 0)
    for _, c in ipairs(writable) do
      assert(c:send("lines\nnumber " .. numbers[c] .. "\n"))
      for i, other in ipairs(writers) do if other == c then table.remove(writers, i) break end end
      readers[#readers + 1] = c
    end
    for _, c in ipairs(readable) do
      local line, err = c:receive()
      if line then
        assert(line == "1: number " .. numbers[c], line)
        done = done + 1
        for i, other in ipairs(readers) do if other == c then table.remove(readers, i) break end end
        c:close()
      else
        assert(err == "timeout", err)
      end
    end
    return done == count
  end, "all answers")
  say("answered", done)
end
