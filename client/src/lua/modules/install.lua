--- Finishes `socket.core` with what is Lua by nature, and makes the modules known to `require`.
local core, mime, modules = ...

local function nothing() end

--- except.c: raises a table with the second argument in it, or, of one alone, with what the finalizer raised: lua_pcall leaves
--- that on the stack, behind the arguments.
function core.newtry(finalizer)
  if finalizer == nil then finalizer = nothing end
  return function(...)
    if (...) then return ... end
    local fine, raised = pcall(finalizer)
    if fine or select("#", ...) ~= 1 then raised = select(2, ...) end
    error({ raised }, 0)
  end
end

local function outcome(ok, ...)
  if ok then return ... end
  local raised = ...
  if type(raised) == "table" then return nil, (rawget(raised, 1)) end
  error(raised, 0)
end

--- except.c, as in Defold's fork: any table that is raised becomes nil and its first element.
function core.protect(f)
  return function(...) return outcome(pcall(f, ...)) end
end

local function module(name)
  return assert(loadstring(modules[name], "@" .. name .. ".lua"))
end

package.preload["socket.core"] = function() return core end
package.preload["mime.core"] = function() return mime end
package.preload["socket"] = function() return core end
package.preload["mime"] = module "mime"

module "socket" (core)
socket = core
