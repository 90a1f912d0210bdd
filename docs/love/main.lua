-- Squares: one player hosts (h), others join (j), arrow keys move. Plain LuaSocket, as on a desktop.
local socket = require "socket"

local HOST, PORT = "127.0.0.1", 5001

local me = { name = tostring(math.floor(socket.gettime() * 1000) % 1000000), x = 160, y = 120 }
local others, lines = {}, {}
local server
local peers = {}
local status = "h: host    j: join"
local due = 0

local function host()
  local err
  server, err = socket.bind("*", PORT)
  if server then server:settimeout(0) end
  status = server and "hosting on port " .. PORT or "cannot host: " .. err
  print(status)
end

local function join()
  local c = socket.tcp()
  c:settimeout(0)
  c:connect(HOST, PORT) -- goes on by itself; select tells when it is there
  peers[1] = c
  status = "joining"
end

local function tell(line, but)
  for _, c in ipairs(peers) do
    if c ~= but then c:send(line .. "\n") end
  end
end

local function hear(c, line)
  local name, x, y = line:match("^(%S+) (%S+) (%S+)$")
  if not name then return end
  if not others[name] then
    status = "playing"
    print("sees another player")
  end
  others[name] = { x = tonumber(x), y = tonumber(y) }
  if server then tell(line, c) end
end

function love.keypressed(key)
  if key == "h" and not server and #peers == 0 then host() end
  if key == "j" and not server and #peers == 0 then join() end
end

function love.update(dt)
  local keys = love.keyboard
  if keys.isDown("left") then me.x = me.x - 120 * dt end
  if keys.isDown("right") then me.x = me.x + 120 * dt end
  if keys.isDown("up") then me.y = me.y - 120 * dt end
  if keys.isDown("down") then me.y = me.y + 120 * dt end

  local visitor = server and server:accept()
  if visitor then
    visitor:settimeout(0)
    table.insert(peers, visitor)
  end
  for i = #peers, 1, -1 do
    local c = peers[i]
    local line, err, part = c:receive("*l", lines[c])
    while line do
      lines[c] = nil
      hear(c, line)
      line, err, part = c:receive("*l")
    end
    lines[c] = part
    if err ~= "timeout" then
      status = "someone left: " .. err
      table.remove(peers, i)
      c:close()
    end
  end
  due = due - dt
  if due <= 0 then
    due = 0.05
    tell(("%s %d %d"):format(me.name, me.x, me.y))
  end
end

function love.draw()
  love.graphics.print(status, 10, 10)
  for _, other in pairs(others) do love.graphics.rectangle("line", other.x, other.y, 20, 20) end
  love.graphics.rectangle("fill", me.x, me.y, 20, 20)
end
