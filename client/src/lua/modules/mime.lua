--- What `require "mime"` adds to `mime.core`: the filters, as functions from chunk to chunk.
local mime = require "mime.core"
local choose = require("socket.core").choose

local function cycle(filter, context, extra)
  return function(chunk)
    local converted
    converted, context = filter(context, chunk, extra)
    return converted
  end
end

mime.encodet, mime.decodet, mime.wrapt = {}, {}, {}

mime.encodet["base64"] = function() return cycle(mime.b64, "") end
mime.encodet["quoted-printable"] = function(mode)
  return cycle(mime.qp, "", mode == "binary" and "=0D=0A" or "\r\n")
end

mime.decodet["base64"] = function() return cycle(mime.unb64, "") end
mime.decodet["quoted-printable"] = function() return cycle(mime.unqp, "") end

mime.wrapt["text"] = function(length)
  length = length or 76
  return cycle(mime.wrp, length, length)
end
mime.wrapt["base64"] = mime.wrapt["text"]
mime.wrapt["default"] = mime.wrapt["text"]
mime.wrapt["quoted-printable"] = function() return cycle(mime.qpwrp, 76, 76) end

mime.encode = choose(mime.encodet)
mime.decode = choose(mime.decodet)
mime.wrap = choose(mime.wrapt)

function mime.normalize(marker) return cycle(mime.eol, 0, marker) end

function mime.stuff() return cycle(mime.dot, 2) end

return mime
