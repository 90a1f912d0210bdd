--- Waiting in Lua 5.1: who waits is a coroutine that yields until the bridge resumes it. A pcall of Lua 5.1's own cannot
--- be yielded across; the one here can.
local M = {}

-- A game may put the one below in the place of the global.
local pcall = pcall

--- Coroutines that run inside of another's protected call -> that one.
local outer = setmetatable({}, { __mode = "k" })

--- The coroutine that runs, or nil in the main program.
function M.running()
  local co, main = coroutine.running()
  if main then return nil end
  return co
end

--- The coroutine to resume, so that `co` goes on.
function M.root(co)
  while outer[co] do co = outer[co] end
  return co
end

local step

local function yielded(co, ...)
  return step(co, coroutine.resume(co, ...))
end

function step(co, ok, ...)
  if ok and coroutine.status(co) == "suspended" then return yielded(co, coroutine.yield(...)) end
  outer[co] = nil
  return ok, ...
end

--- pcall, whose function may wait.
function M.pcall(f, ...)
  local co = M.running()
  local metatable = getmetatable(f)
  local callable = type(f) == "function" or type(metatable) == "table" and metatable.__call
  if not co or not callable then return pcall(f, ...) end
  local inner = coroutine.create(function(...) return f(...) end)
  outer[inner] = co
  return step(inner, coroutine.resume(inner, ...))
end

return M
