--- LuaSocket in Defold's HTML5 builds, over a relay. On other platforms `socket` is the engine's own, and what is here
--- does nothing but keep the same program running.
---
---   local luasocket = require "luasocket_web.luasocket_web"
---   luasocket.connect("ws://127.0.0.1:8080/relay")  -- in init
---   luasocket.update(dt)                            -- in update, each frame
---
--- From then on the global `socket` is what it is on a desktop. See docs/defold.md.
local coroutines = require "luasocket_web.coroutines"

local M = {}

--- Whether this game runs in a page.
M.is_web = html5 ~= nil

--- pcall, for functions that may wait: Lua 5.1 cannot yield across its own.
M.pcall = coroutines.pcall

local bridge

local function setting(key)
  if not sys then return nil end
  local get = sys.get_config_string or sys.get_config
  local value = get(key)
  return value ~= "" and value or nil
end

--- Begins to connect to the relay: `url`, or `[luasocket_web] relay` of game.project. An earlier connection ends, and its
--- sockets with it. Options:
---   ticket  the ticket that the relay asks for, if it does; or `[luasocket_web] ticket` of game.project
---   exact   in coroutines, calls with a limit of 0 ask the relay too, so that they see what its kernel has now; each
---           takes a roundtrip. By default they answer at once from what has come.
function M.connect(url, options)
  if not bridge then return end
  options = options or {}
  url = url or setting "luasocket_web.relay"
  if type(url) ~= "string" then error("no relay: give its URL, or set relay of [luasocket_web] in game.project", 2) end
  bridge.open(url, options.ticket or setting "luasocket_web.ticket", not not options.exact)
end

--- "unconnected", "connecting", "connected", "reconnecting", "lost" or "closed"; and of a lost one, why. "connected"
--- wherever the sockets are the engine's own.
function M.state()
  if not bridge then return "connected" end
  if bridge.why ~= "" then return bridge.state, bridge.why end
  return bridge.state
end

--- Call this once in each frame. Brings what has happened, and resumes the coroutines that wait for it. Raises the first
--- error of theirs.
function M.update()
  if not bridge then return end
  local problem = bridge.update()
  if problem ~= nil then error(problem, 0) end
end

--- Runs a function as a coroutine, in which calls wait as on a desktop. Answers the coroutine.
function M.start(f, ...)
  local co = coroutine.create(f)
  local ok, err = coroutine.resume(co, ...)
  if not ok then error(debug and type(err) == "string" and debug.traceback(co, err) or err, 0) end
  return co
end

--- Ends the connection. All sockets are closed.
function M.close()
  if bridge then bridge.close() end
end

if M.is_web then
  bridge = require "luasocket_web.bridge"
  require "luasocket_web.objects"
  bridge.load(require "luasocket_web.facade")
  socket = socket or {}
  for name, value in pairs(require "luasocket_web.namespace") do socket[name] = value end
end

return M
