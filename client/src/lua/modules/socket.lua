--- What `require "socket"` adds to `socket.core`.
local socket = ...

function socket.connect4(address, port, localaddress, localport)
  return socket.connect(address, port, localaddress, localport, "inet")
end

function socket.connect6(address, port, localaddress, localport)
  return socket.connect(address, port, localaddress, localport, "inet6")
end

--- A server on one of the host's addresses: it listens already, or it was closed and is an error.
local function listening(address, port, backlog)
  local server, err = socket[address.family == "inet" and "tcp4" or "tcp6"]()
  if not server then return nil, err, true end
  server:setoption("reuseaddr", true)
  local done
  done, err = server:bind(address.addr, port)
  if done then done, err = server:listen(backlog) end
  if done then return server end
  server:close()
  return nil, err
end

function socket.bind(host, port, backlog)
  local addresses, err = socket.dns.getaddrinfo(host == "*" and "0.0.0.0" or host)
  if not addresses then return nil, err end
  err = "no info on address"
  for _, address in ipairs(addresses) do
    local server, fatal
    server, err, fatal = listening(address, port, backlog)
    if server then return server end
    if fatal then break end
  end
  return nil, err
end

socket.try = socket.newtry()

--- A function that calls what its first argument names in the table.
function socket.choose(table)
  return function(name, first, second)
    if type(name) ~= "string" then
      name, first, second = "default", name, first
    end
    local chosen = table[name]
    if not chosen then error("unknown key (" .. name .. ")", 3) end
    return chosen(first, second)
  end
end

socket.BLOCKSIZE = 2048

--- A callable table that select takes for its client.
local function selectable(client, call)
  local object = {
    getfd = function() return client:getfd() end,
    dirty = function() return client:dirty() end,
  }
  return setmetatable(object, { __call = call })
end

socket.sinkt = {}
socket.sourcet = {}

socket.sinkt["close-when-done"] = function(client)
  return selectable(client, function(_, chunk)
    if chunk then return client:send(chunk) end
    client:close()
    return 1
  end)
end

socket.sinkt["keep-open"] = function(client)
  return selectable(client, function(_, chunk)
    if chunk then return client:send(chunk) end
    return 1
  end)
end

socket.sinkt["default"] = socket.sinkt["keep-open"]

socket.sourcet["by-length"] = function(client, length)
  return selectable(client, function()
    if length <= 0 then return nil end
    local chunk, err = client:receive(math.min(socket.BLOCKSIZE, length))
    if err then return nil, err end
    length = length - #chunk
    return chunk
  end)
end

socket.sourcet["until-closed"] = function(client)
  local done = false
  return selectable(client, function()
    if done then return nil end
    local chunk, err, partial = client:receive(socket.BLOCKSIZE)
    if not err then return chunk end
    if err ~= "closed" then return nil, err end
    client:close()
    done = true
    return partial
  end)
end

socket.sourcet["default"] = socket.sourcet["until-closed"]

socket.sink = socket.choose(socket.sinkt)
socket.source = socket.choose(socket.sourcet)
