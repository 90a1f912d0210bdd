/** luasocket-web/lua in an isolated page: Lua programs whose calls really block, while the page does not. */
import { expect, test } from '../fixtures/lua.ts';

/** A connection to the native server, as the global `c`, which has said what it wants. */
const CALL = 'local port, wanted = ... c = assert(socket.connect("127.0.0.1", port)) c:send(wanted .. "\\n")';

test('a Lua program talks to a native server', async ({ vm, luaServer }) => {
  await vm.run(CALL, luaServer.port, 'lines');
  expect(
    await vm.run('c:send "hello\\nbye\\n" return c:receive(), c:receive(), c.class, tostring(c):match "^[^:]*"'),
  ).toEqual(['1: hello', 'bye', 'tcp{client}', 'tcp{client}']);
});

test('bytes survive the way from the page to a native server and back', async ({ vm, luaServer }) => {
  await vm.run(CALL, luaServer.port, 'echo');
  const text = 'é€😀\0\udc80\udcff';
  expect(await vm.run('local text = ... c:send(text) return c:receive(#text), #text', text)).toEqual([text, 12]);
});

test('the page goes on while a call blocks, and hears what is printed meanwhile', async ({ vm, luaServer }) => {
  await vm.run(CALL, luaServer.port, 'silent');
  await vm.page.evaluate(`void (waiting = run('print "before" return c:receive()', []))`);
  await vm.page.evaluate(`void (next = run('return "next"', []))`);
  await expect.poll(() => vm.printed()).toEqual(['before']);
  expect(await vm.page.evaluate('new Promise((resolve) => requestAnimationFrame(() => resolve("drawn")))')).toBe(
    'drawn',
  );
  // Amid the call.
  await vm.close();
  const rejected = { error: 'Lua was closed', name: 'Error' };
  expect(await vm.page.evaluate('waiting')).toMatchObject(rejected);
  expect(await vm.page.evaluate('next')).toMatchObject(rejected);
  expect(await vm.attempt('return 1')).toMatchObject(rejected);
});

test('runs come one after the other, and share globals', async ({ vm }) => {
  const calls = ['x = 1 socket.sleep(0.05)', 'x = x + 1 error("no")', 'return x'].map((source) => vm.attempt(source));
  expect(await Promise.all(calls)).toMatchObject([
    { results: [] },
    { error: 'main:1: no', name: 'LuaError' },
    { results: [2] },
  ]);
});

for (const how of ['idle', 'amid a call'] as const) {
  test(`closing ${how} leaves no socket`, async ({ vm, relay, lua }) => {
    const before = await relay.sockets();
    const [port] = await vm.run(
      'server = assert(socket.bind("127.0.0.1", 0)) return (select(2, server:getsockname()))',
    );
    const guest = await lua('client', '127.0.0.1', Number(port), 'guest');
    await vm.run(
      'guest = assert(server:accept()) udp = socket.udp() udp:setsockname("127.0.0.1", 0) guest:send "hello\\n"',
    );
    await guest.says(/got hello/);
    if (how === 'amid a call') await vm.page.evaluate(`void run('print "in" guest:receive()', [])`);
    if (how === 'amid a call') await expect.poll(() => vm.printed()).toEqual(['in']);
    await vm.close();
    await guest.exited;
    await expect.poll(() => relay.sockets()).toBeLessThan(before);
  });
}

test('os.exit closes the sockets', async ({ vm, luaServer }) => {
  await vm.run(CALL, luaServer.port, 'silent');
  expect(await vm.attempt('os.exit(3)')).toMatchObject({ error: 'the program ended with status 3' });
  expect(await vm.attempt('return 1')).toMatchObject({ error: 'the program has ended with os.exit' });
});

test('what programs for real LuaSocket do: many sockets, and descriptors that change hands', async ({
  vm,
  luaServer,
}) => {
  expect(
    await vm.run(`
      local all = {}
      for i = 1, socket._SETSIZE + 1 do all[#all + 1] = socket.udp4() end
      local one_too_many, why = socket.udp4()
      local ok = #all > socket._SETSIZE and pcall(socket.select, all, nil, 0.1)
      for _, one in ipairs(all) do one:close() end
      return #all > 1000, one_too_many, why, ok, socket.udp4():getfd()`),
  ).toEqual([true, null, 'Too many open files', false, 3]);
  await vm.run(CALL, luaServer.port, 'lines');
  expect(
    await vm.run(`
      local other = socket.tcp()
      other:connect("127.0.0.1", 1)
      local old = other:getfd()
      other:setfd(c:getfd())
      other:send "to whom\\n"
      local heard = c:receive()
      local server = assert(socket.bind("127.0.0.1", 0))
      local _, port = server:getsockname()
      local rebound, refused = socket.tcp():bind("127.0.0.1", port)
      server:setfd(socket.udp():getfd())
      server:settimeout(1)
      local accepted, unsupported = server:accept()
      return heard, rebound, refused, accepted, unsupported ~= nil`),
  ).toEqual(['1: to whom', null, 'address already in use', null, true]);
});

test('8 MB there and back, and 80,000 lines', async ({ vm, luaServer }) => {
  await vm.run(CALL, luaServer.port, 'echo');
  expect(
    await vm.run(`
      local text = ("0123456789abcde\\n"):rep(500000)
      local sent, back = 0, {}
      local got = 0
      c:settimeout(0)
      while got < #text do
        local readable, writable = socket.select({ c }, sent < #text and { c } or nil)
        if readable[1] then
          local data, err, part = c:receive(65536)
          data = data or part
          got = got + #data
          back[#back + 1] = data
        end
        if writable[1] then
          local last, err, partial = c:send(text, sent + 1)
          sent = last or partial
        end
      end
      return #text, table.concat(back) == text`),
  ).toEqual([8_000_000, true]);
  expect(
    await vm.run(`
      local server = assert(socket.bind("127.0.0.1", 0))
      local near = assert(socket.connect("127.0.0.1", (select(2, server:getsockname()))))
      local far = assert(server:accept())
      local lines = 0
      for block = 1, 8 do
        near:send(("a line of some length\\r\\n"):rep(10000))
        for i = 1, 10000 do if far:receive() == "a line of some length" then lines = lines + 1 end end
      end
      return lines`),
  ).toEqual([80_000]);
});

test('coroutines and callbacks: a call blocks wherever it stands', async ({ vm, luaServer }) => {
  await vm.run(CALL, luaServer.port, 'lines');
  expect(
    await vm.run(`
      local function ask(text) c:send(text .. "\\n") return (c:receive()) end
      local thread = coroutine.wrap(function() coroutine.yield(ask "from a coroutine") return ask "again" end)
      local replaced = ("x"):gsub("x", function() return ask "from gsub" end)
      return thread(), thread(), replaced, select(2, pcall(ask, "from pcall"))`),
  ).toEqual(['2: from a coroutine', '3: again', '1: from gsub', '4: from pcall']);
});

test('says why it does not start', async ({ bareLua: tab, site, relay, page }) => {
  await expect(tab.start('ws://127.0.0.1:9/relay')).rejects.toThrow(/cannot connect to ws:\/\/127\.0\.0\.1:9\/relay/);
  await expect(tab.start(relay.endpoint, {}, { workerUrl: '/none.js' })).rejects.toThrow(/Worker of Lua failed/);
  tab.troubles.length = 0; // the browser has complained, too
  await page.goto(`${site.url}/lua.html`);
  await page.waitForFunction('globalThis.start !== undefined');
  await expect(tab.start(relay.endpoint)).rejects.toThrow(/Cross-Origin-Opener-Policy: same-origin/);
});
