-- Tag: whoever is "it" (with the ring) runs after the others, and has a point for each catch. Plain LuaSocket, the same on
-- a desktop and in a tab.
--
-- The host decides who is where. Lines over TCP:
--   host to guest:  you ID, once; then 20 times a second: state IT [ID X Y POINTS]...
--   guest to host:  at X Y
local socket = require "socket"

local ADDRESS = "127.0.0.1"
local WIDTH, HEIGHT, SIZE = 640, 400, 24
local SPEED = 180 -- pixels a second
local REST = 1 -- seconds in which who has just been caught catches nobody
local COLOURS = {
  { 0.95, 0.55, 0.2 }, { 0.3, 0.65, 0.95 }, { 0.4, 0.8, 0.4 }, { 0.85, 0.45, 0.8 }, { 0.9, 0.85, 0.35 },
}
local KEYS = { left = "a", right = "d", up = "w", down = "s" }

local port = "5001" -- as it is typed
local status = ""
local role = "menu" -- or "host", "joining", "guest"
local players, me, it = {}, nil, nil -- players: by ID
local server, peers, last -- of a host: peers by ID, the last ID given
local peer -- of a guest: the host
local due, rest = 0, 0

local function tell(text)
  status = text
  print("tag: " .. text)
end

local function reset()
  role, players, me, it, peers, last, server, peer = "menu", {}, nil, nil, {}, 1, nil, nil
end

-- A connection with what is half sent and half received. No call waits.
local function connection(c)
  c:settimeout(0)
  return { socket = c, out = "", part = "" }
end

local function flush(p)
  if p.out == "" then return true end
  local sent, err, so_far = p.socket:send(p.out)
  p.out = p.out:sub((sent or so_far) + 1)
  return sent or err == "timeout"
end

-- Calls f with each line that has come. False when the other end has gone.
local function lines(p, f)
  while true do
    local line, err, part = p.socket:receive("*l", p.part)
    p.part = part or ""
    if not line then return err == "timeout" end
    f(line)
  end
end

local function newcomer(id)
  return { x = 60 + id * 110 % (WIDTH - 120), y = 120 + id * 70 % (HEIGHT - 160), points = 0 }
end

-- Port 0 asks for any that is free.
local function host()
  local err
  server, err = socket.bind(ADDRESS, tonumber(port) or 0)
  if not server then return tell("cannot host: " .. tostring(err)) end
  server:settimeout(0)
  local _, bound = server:getsockname()
  port = tostring(bound)
  role, me, it = "host", 1, 1
  players[1] = newcomer(1)
  tell("hosting on port " .. port)
end

local function snapshot()
  local words = { "state", it }
  for id, p in pairs(players) do
    for _, word in ipairs { id, math.floor(p.x), math.floor(p.y), p.points } do table.insert(words, word) end
  end
  return table.concat(words, " ") .. "\n"
end

local function welcome()
  local c = server:accept()
  if not c then return end
  c:setoption("tcp-nodelay", true)
  last = last + 1
  peers[last] = connection(c)
  peers[last].out = "you " .. last .. "\n"
  players[last] = newcomer(last)
  tell("player " .. last .. " has come")
end

local function touches(a, b) return math.abs(a.x - b.x) < SIZE and math.abs(a.y - b.y) < SIZE end

local function judge(dt)
  rest = rest - dt
  if rest > 0 then return end
  for id, p in pairs(players) do
    if id ~= it and touches(p, players[it]) then
      players[it].points = players[it].points + 1
      tell(("player %d has caught player %d"):format(it, id))
      it, rest = id, REST
      return
    end
  end
end

local function inside(value, limit) return math.max(0, math.min(limit - SIZE, value)) end

local function run_host(dt, tick)
  welcome()
  judge(dt)
  local state = tick and snapshot()
  for id, p in pairs(peers) do
    local here = lines(p, function(line)
      local x, y = line:match("^at (%d+) (%d+)$")
      if not x then return end
      players[id].x, players[id].y = inside(tonumber(x), WIDTH), inside(tonumber(y), HEIGHT)
    end)
    -- Who has not taken the last state yet gets a newer one later.
    if state and p.out == "" then p.out = state end
    if not (flush(p) and here) then
      p.socket:close()
      peers[id], players[id] = nil, nil
      if it == id then it = me end
      tell("player " .. id .. " has gone")
    end
  end
end

local function heed(line)
  local id = line:match("^you (%d+)$")
  if id then
    me, role = tonumber(id), "guest"
    players[me] = newcomer(me)
    return tell(("playing as player %d on port %s"):format(me, port))
  end
  local chaser, rows = line:match("^state (%d+)(.*)$")
  if not chaser or not me then return end
  it = tonumber(chaser)
  local seen = {}
  for who, x, y, points in rows:gmatch("(%d+) (%d+) (%d+) (%d+)") do
    who = tonumber(who)
    seen[who] = { x = tonumber(x), y = tonumber(y), points = tonumber(points) }
  end
  -- Where I am I know best.
  if seen[me] then seen[me].x, seen[me].y = players[me].x, players[me].y end
  seen[me] = seen[me] or players[me]
  players = seen
end

local function leave(why)
  if peer then peer.socket:close() end
  reset()
  tell(why)
end

local function join()
  peer = connection(assert(socket.tcp()))
  role = "joining"
  tell("joining port " .. port)
  local ok, err = peer.socket:connect(ADDRESS, tonumber(port) or 0)
  -- With a time limit of 0 it goes on by itself.
  if not ok and err ~= "timeout" then leave("cannot join: " .. tostring(err)) end
end

local function run_joining()
  local _, ready = socket.select(nil, { peer.socket }, 0)
  if not ready[1] then return end
  local ok, err = peer.socket:connect(ADDRESS, tonumber(port) or 0)
  if not ok and err ~= "already connected" then return leave("cannot join: " .. err) end
  peer.socket:setoption("tcp-nodelay", true)
  role = "guest"
end

local function run_guest(tick)
  local here = lines(peer, heed)
  if tick and me and peer.out == "" then
    peer.out = ("at %d %d\n"):format(players[me].x, players[me].y)
  end
  if not (flush(peer) and here) then leave("the host has gone") end
end

local function move(dt)
  local p = players[me]
  local function held(name) return love.keyboard.isDown(name, KEYS[name]) and 1 or 0 end
  p.x = inside(p.x + (held "right" - held "left") * SPEED * dt, WIDTH)
  p.y = inside(p.y + (held "down" - held "up") * SPEED * dt, HEIGHT)
end

-- What others do, in words.
local told, tell_at = {}, 0
local function report(dt)
  tell_at = tell_at - dt
  if tell_at > 0 then return end
  tell_at = 0.5
  for id, p in pairs(players) do
    local words = ("player %d is at %d %d"):format(id, p.x, p.y)
    if id ~= me and told[id] ~= words then print("tag: " .. words) end
    told[id] = words
  end
end

function love.load()
  reset()
  tell("H hosts, J joins, digits change the port")
end

function love.keypressed(key)
  if role ~= "menu" then
    if key == "escape" and peer then leave("left the game") end
  elseif key == "h" then host()
  elseif key == "j" then join()
  elseif key == "backspace" then port = port:sub(1, -2)
  elseif key:match("^%d$") and #port < 5 then port = port .. key
  end
end

function love.update(dt)
  due = due - dt
  local tick = due <= 0
  if tick then due = 0.05 end
  if me then move(dt) end
  if role == "host" then run_host(dt, tick) end
  if role == "joining" then run_joining() end
  if role == "guest" then run_guest(tick) end
  report(dt)
end

function love.draw()
  local g = love.graphics
  g.clear(0.1, 0.11, 0.14)
  for id, p in pairs(players) do
    g.setColor(COLOURS[(id - 1) % #COLOURS + 1])
    g.rectangle("fill", p.x, p.y, SIZE, SIZE, 4)
    if id == it then g.circle("line", p.x + SIZE / 2, p.y + SIZE / 2, SIZE) end
    local label = ("%s%d: %d"):format(id == me and "you, " or "", id, p.points)
    local below = p.y + SIZE + 40 < HEIGHT
    g.printf(label, p.x - 40, below and p.y + SIZE + 16 or p.y - 32, SIZE + 80, "center")
  end
  g.setColor(1, 1, 1)
  g.print(status, 12, 10)
  if role ~= "menu" then
    g.print(role .. ", port " .. port, 12, HEIGHT - 26)
  else
    g.print("Port: " .. port .. "_", 12, 40)
    g.print("H: host    J: join    arrow keys or WASD: run", 12, 64)
  end
end
