/** luasocket-web/lua in an isolated page: Lua programs whose calls really block. */
import { expect, test } from '../fixtures/lua.ts';

test('a Lua program talks to a native server', async ({ vm, luaServer }) => {
  expect(
    await vm.run(
      `local c = assert(socket.connect("127.0.0.1", ...))
       c:send "lines\\nhello\\nbye\\n"
       return c:receive(), c:receive(), c.class, tostring(c):match "^[^:]*"`,
      luaServer.port,
    ),
  ).toEqual(['1: hello', 'bye', 'tcp{client}', 'tcp{client}']);
});
