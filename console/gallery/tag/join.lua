-- Joins a game of Tag from outside the browser, runs in a square, and prints where everybody is.
-- lua5.1 join.lua 127.0.0.1 5001
local socket = require "socket"

local address, port = arg[1], tonumber(arg[2])
assert(address and port, "lua5.1 join.lua ADDRESS PORT")

local host = assert(socket.connect(address, port))
host:setoption("tcp-nodelay", true)
io.stdout:setvbuf "line"

local corners = { { 400, 200 }, { 520, 200 }, { 520, 320 }, { 400, 320 } }
local me, step, before = nil, 0, {}

while true do
  local line, err = host:receive "*l"
  if not line then return print("the game is over: " .. err) end
  me = line:match "^you (%d+)$" or me
  local it, rows = line:match "^state (%d+)(.*)$"
  for id, x, y, points in (rows or ""):gmatch "(%d+) (%d+) (%d+) (%d+)" do
    local words = ("player %s is at %s %s with %s points%s"):format(id, x, y, points, id == it and ", it" or "")
    if id ~= me and before[id] ~= words then print(words) end
    before[id] = words
  end
  step = step + 1
  local corner = corners[math.floor(step / 20) % #corners + 1]
  assert(host:send(("at %d %d\n"):format(corner[1], corner[2])))
end
