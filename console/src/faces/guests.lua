-- An example: a program for LuaSocket, in a page. Its calls really block; the page does not.
local socket = require "socket"
local mime = require "mime"

-- A client.
local echo = ...
local client = assert(socket.connect(echo.host, echo.port))
client:send("hello from Lua\n")
print("the echo server says: " .. client:receive())
client:close()
print("which is " .. mime.b64("hello from Lua") .. " in base64")

-- A server: select waits for all of its sockets at once.
local server = assert(socket.bind("127.0.0.1", 0))
print(("now this tab listens. In a terminal: nc %s %s"):format(server:getsockname()))
local sockets = { server }

local function leave(guest)
  for i = 2, #sockets do
    if sockets[i] == guest then table.remove(sockets, i) break end
  end
  guest:close()
end

while true do
  for _, ready in ipairs(socket.select(sockets)) do
    if ready == server then
      sockets[#sockets + 1] = server:accept()
    else
      local line = ready:receive()
      if line then
        print("a guest says: " .. line)
        ready:send(line:upper() .. "\n")
      else
        leave(ready)
      end
    end
  end
end
