--- Applies real LuaSocket's `mime.core` for mime.test.ts: reads calls as lines `name argument...`, answers each with a
--- line of its results. Values are `nil`, `n` and a number, or `s` and the bytes in hexadecimal.
local mime = require "mime.core"

local function read(word)
  if word == "nil" then return nil end
  local rest = word:sub(2)
  if word:sub(1, 1) == "n" then return tonumber(rest) end
  return (rest:gsub("%x%x", function(digits) return string.char(tonumber(digits, 16)) end))
end

local function write(value)
  if value == nil then return "nil" end
  if type(value) == "number" then return ("n%.17g"):format(value) end
  return "s" .. value:gsub(".", function(char) return ("%02x"):format(char:byte()) end)
end

io.stdout:setvbuf "line"
for line in io.lines() do
  local words, n = {}, 0
  for word in line:gmatch "%S+" do
    n = n + 1
    words[n] = word
  end
  local arguments = {}
  for i = 2, n do arguments[i - 1] = read(words[i]) end
  local first, second = mime[words[1]](unpack(arguments, 1, n - 1))
  print(write(first) .. " " .. write(second))
end
