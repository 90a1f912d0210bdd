/** LuaSocket for a Lua of wasmoon-lua5.1 that is somebody else's. */
import { expect, test } from 'vitest';
import { Lua } from 'wasmoon-lua5.1';
import { installLuaSocket } from '../../src/lua/install.ts';
import { session } from '../core/lua.ts';

test.each(['bytes', 'binary'] as const)('a namespace with strings as %s', async (mode) => {
  const lua = await Lua.create();
  installLuaSocket(lua, session<string | Uint8Array>(mode).socket);
  expect(
    lua.doStringSync(`
      local socket, core, mime = require "socket", require "socket.core", require "mime"
      local server = assert(socket.bind("127.0.0.1", 0))
      local address, port = server:getsockname()
      local client = assert(socket.connect(address, port))
      local peer = assert(server:accept())
      local bytes = {}
      for i = 0, 255 do bytes[i + 1] = string.char(i) end
      bytes = table.concat(bytes)
      client:send(bytes:rep(100))
      local short, long = peer:receive(1), peer:receive(25599)
      client:send("prefix\\200\\n")
      local line = peer:receive("*l", "\\255")
      local ok, message = pcall(function() client:receive "\\200" end)
      assert(short .. long == bytes:rep(100))
      assert(line == "\\255prefix\\200", line)
      assert(not ok and message:find "invalid receive pattern", message)
      assert(socket == core and socket == _G.socket and mime.b64 "x")
      return "done"`),
  ).toBe('done');
  lua.global.close();
});
