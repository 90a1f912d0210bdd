-- Runs a story, a function that plays over many frames, and says on the console how it went. The test puts the
-- story beside this file (story.lua) and its arguments into arguments.lua.
local socket = require "socket"

-- Ends this frame; the story goes on in the next one.
function frame() coroutine.yield() end

-- Calls f each frame until it answers something.
function wait(f, what)
  local limit = socket.gettime() + 30
  while true do
    local result, more = f()
    if result then return result, more end
    if socket.gettime() > limit then error("waited too long for " .. what, 2) end
    frame()
  end
end

-- What a test reads: one line.
function say(...)
  local words = {}
  for i = 1, select("#", ...) do words[i] = tostring((select(i, ...))) end
  print("story: " .. table.concat(words, " "))
end

-- Receives over frames: what a game's network code does with settimeout(0).
function receive(c, pattern)
  local data, err, partial = c:receive(pattern)
  while err == "timeout" do
    frame()
    data, err, partial = c:receive(pattern, partial)
  end
  return data, err, partial
end

function send(c, data)
  local sent, err, last = c:send(data)
  while err == "timeout" do
    frame()
    sent, err, last = c:send(data, last + 1)
  end
  return sent, err
end

-- Connects over frames.
function connect(host, port)
  local c = assert(socket.tcp())
  c:settimeout(0)
  local ok, err = c:connect(host, port)
  if not ok and err ~= "timeout" and err ~= "Operation already in progress" then return nil, err end
  wait(function() return select(2, socket.select(nil, { c }, 0))[1] end, "a connection")
  ok, err = c:connect(host, port)
  if ok or err == "already connected" then return c end
  return nil, err
end

local story = coroutine.create(require "story")
local arguments = require "arguments"

function love.update()
  if coroutine.status(story) == "dead" then return end
  local ok, err = coroutine.resume(story, unpack(arguments))
  if not ok then
    say("failed", debug.traceback(story, err))
  elseif coroutine.status(story) == "dead" then
    say("done")
  end
end

function love.draw()
  love.graphics.print("A story is told on the console.", 20, 20)
end
