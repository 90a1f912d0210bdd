--- What a program in `createLua` finds beside the standard library: its files, and a console instead of a terminal.
--- Answers the handler for errors, and a function that writes out an unfinished line.
local emit, exit, files = ...

--- A name without what is a matter of taste: "./socket/http.lua" and "socket.http" are the same file.
local function plain(name)
  return (name:gsub("^%.?/", ""):gsub("%.lua$", ""):gsub("/", "."))
end

local names = {}
for name in pairs(files) do names[plain(name)] = name end

--- The source of a file, and its name as it was given.
local function source(wanted)
  local name = files[wanted] and wanted or names[plain(wanted)]
  -- As in luaL_loadfile, a first line with # is for the system.
  if name then return files[name]:gsub("^#[^\n]*", ""), name end
end

local native = { dofile = dofile, loadfile = loadfile }

function loadfile(name)
  local text = type(name) == "string" and source(name)
  if text then return loadstring(text, "@" .. name) end
  return native.loadfile(name)
end

function dofile(name)
  local text = type(name) == "string" and source(name)
  if not text then return native.dofile(name) end
  local chunk, err = loadstring(text, "@" .. name)
  if not chunk then error(err, 0) end
  return chunk()
end

table.insert(package.loaders, 1, function(name)
  for _, file in ipairs { name, name .. ".init" } do
    local text, given = source(file)
    if text then
      local chunk, err = loadstring(text, "@" .. given)
      if not chunk then error(("error loading module '%s' from file '%s':\n\t%s"):format(name, given, err), 0) end
      return chunk
    end
  end
  return ("\n\tno file '%s.lua'"):format((name:gsub("%.", "/")))
end)

local line = ""

--- Writes to the console, which takes whole lines.
local function put(text)
  line = line .. text
  local complete, rest = line:match "^(.*)\n([^\n]*)$"
  if complete then
    line = rest
    emit(complete)
  end
end

function print(...)
  local parts = {}
  for i = 1, select("#", ...) do
    parts[i] = tostring((select(i, ...)))
    if type(parts[i]) ~= "string" then error "'tostring' must return a string to 'print'" end
  end
  put(table.concat(parts, "\t") .. "\n")
end

local stdout, stderr = io.stdout, io.stderr
local methods = getmetatable(stdout).__index
local write = methods.write

function methods.write(file, ...)
  if file ~= stdout and file ~= stderr then return write(file, ...) end
  for i = 1, select("#", ...) do
    local text = select(i, ...)
    if type(text) ~= "string" and type(text) ~= "number" then
      error(("bad argument #%d to 'write' (string expected, got %s)"):format(i, type(text)), 2)
    end
    put(tostring(text))
  end
  return true
end

function io.write(...) return io.output():write(...) end

function os.exit(status)
  if line ~= "" then emit(line) end
  exit(tonumber(status) or 0)
end

local function described(raised)
  if type(raised) == "string" or type(raised) == "number" then return tostring(raised) end
  local metatable = getmetatable(raised)
  if type(metatable) == "table" and metatable.__tostring then return tostring(raised) end
  return ("(error object is a %s value)"):format(type(raised))
end

local function handler(raised)
  return { message = described(raised), traceback = debug.traceback("", 2):gsub("^\n", ""), raised = raised }
end

local function finish()
  if line ~= "" then emit(line) end
  line = ""
end

return handler, finish
