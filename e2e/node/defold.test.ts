/** Defold's module in a Lua 5.1 whose html5.run has the engine's limits, over a real relay, with real peers. */
import { createSocket } from 'node:dgram';
import { createServer, connect as dial } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Game } from '../../client/test/defold/game.ts';
import { portOf, startRelay } from './helpers.ts';

async function connected(options: { readonly exact?: boolean } = {}): Promise<Game> {
  const relay = await startRelay({});
  const game = await Game.start(relay.address.url, options);
  onTestFinished(() => game.close());
  return game;
}

/** A native server that sends back what it gets. */
async function echoPort(): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return portOf(server);
}

/** Every byte, and what Lua or JavaScript might take for something else. */
const EVERYTHING = `
  local parts = {}
  for byte = 0, 255 do parts[#parts + 1] = string.char(byte) .. "1" end
  everything = table.concat(parts) .. "\\\\0]]]==]\\"'\\r\\n\${x}</script>\\226\\128\\168"`;

describe('the engine around it has its limits', () => {
  test('a NUL cuts, other bytes are mangled, what is thrown escapes pcall', async () => {
    const game = await Game.start();
    expect(game.run('return html5.run("1 + 1"), html5.run("null")')).toEqual(['2', null]);
    expect(game.run('return html5.run("2\\0+ 1"), html5.run("\'a\\\\0b\'")')).toEqual(['2', 'a']);
    expect(game.run('return html5.run("\'\\255\'.charCodeAt(0)")')).toEqual(['65533']);
    expect(() => game.run('pcall(html5.run, "throw new Error(\'out\')")')).toThrow('out');
  });

  test('elsewhere than on the web everything is the engine’s own', async () => {
    const game = await Game.start();
    expect(
      game.run(`
        html5, package.loaded["luasocket_web.luasocket_web"] = nil, nil
        socket = { tcp = function() return "native" end }
        local native = require "luasocket_web.luasocket_web"
        native.connect() native.update(0) native.close()
        local ran
        native.start(function(x) ran = x end, 7)
        return native.is_web, native.state(), socket.tcp(), socket.udp, ran`),
    ).toEqual([false, 'connected', 'native', null, 7]);
  });
});

describe('the connection', () => {
  test('before it stands, calls answer "timeout"; without one "closed"', async () => {
    const relay = await startRelay({});
    const game = await Game.start();
    onTestFinished(() => game.close());
    expect(game.run('return luasocket.state(), socket.tcp()')).toEqual(['unconnected', null, 'closed']);
    expect(game.run('luasocket.connect(...) return luasocket.state(), socket.udp()', relay.address.url)).toEqual([
      'connecting',
      null,
      'timeout',
    ]);
    // A coroutine waits for it.
    expect(await game.wait('return socket.tcp().class, luasocket.state()')).toEqual(['tcp{master}', 'connected']);
    game.run('kept = socket.udp() luasocket.close()');
    expect(game.run('return luasocket.state(), kept:getfd(), socket.tcp()')).toEqual(['closed', -1, null, 'closed']);
    expect(game.run('return kept:getsockname()')).toEqual([null, 'Bad file descriptor']);
  });

  test('a relay that goes, and says why', async () => {
    const relay = await startRelay({});
    const game = await Game.start(relay.address.url);
    onTestFinished(() => game.close());
    await relay.close();
    const [lost, state, why] = await game.until('return luasocket.state() == "lost", luasocket.state()');
    expect([lost, state, why]).toEqual([true, 'lost', 'the relay is shutting down']);
  });

  test('a relay that is not there', async () => {
    const game = await Game.start();
    game.run('luasocket.connect "ws://127.0.0.1:1/relay"');
    const [lost, state, why] = await game.until('return luasocket.state() == "lost", luasocket.state()');
    expect([lost, state]).toEqual([true, 'lost']);
    expect(why).toContain('cannot connect to ws://127.0.0.1:1/relay');
    expect(() => game.run('luasocket.connect()')).toThrow(/^main:1: no relay/);
  });

  test('calls that wait when the connection is closed end, and sleepers wake', async () => {
    const game = await connected();
    game.run(`
      done = {}
      local u, c = socket.udp(), socket.tcp()
      luasocket.start(function() socket.sleep(0.05) done.sleep = true end)
      luasocket.start(function() done.receive = select(2, u:receivefrom()) end)
      luasocket.start(function() done.connect = select(2, c:connect("127.0.0.1", 1)) end)
      luasocket.close()`);
    expect(await game.until('return done.sleep, done.receive, done.connect')).toEqual([
      true,
      // What LuaSocket says of a datagram socket without a descriptor.
      'ai_family not supported',
      'closed',
    ]);
    expect(game.run('return luasocket.state(), socket.tcp()')).toEqual(['closed', null, 'closed']);
  });

  test('another connection closes the sockets of the one before', async () => {
    const game = await connected();
    const other = await startRelay({});
    game.run('old = socket.tcp() luasocket.connect(...)', other.address.url);
    await game.until('return luasocket.state() == "connected"');
    expect(game.run('return old:getfd(), socket.tcp():getfd(), old.receive == nil')).toEqual([-1, 3, false]);
  });
});

describe('in coroutines calls wait', () => {
  test('to and from a native server, every byte', async () => {
    const game = await connected();
    game.run(EVERYTHING);
    const results = await game.wait(
      `local c = assert(socket.connect("127.0.0.1", ...))
       assert(c:send(everything))
       local same = c:receive(#everything) == everything
       c:shutdown "send"
       return same, select(2, c:receive "*a"), c.class`,
      await echoPort(),
    );
    expect(results).toEqual([true, 'closed', 'tcp{client}']);
  });

  test('2 MiB both ways', async () => {
    const game = await connected();
    const results = await game.wait(
      `local c = assert(socket.connect("127.0.0.1", ...))
       local block = {}
       for i = 1, 65536 do block[i] = string.char((i * 7 + i / 256) % 256) end
       local data = table.concat(block):rep(32)
       luasocket.start(function() sent = c:send(data) end)
       local got, err = c:receive(#data)
       return got == data, sent == #data, err`,
      await echoPort(),
    );
    expect(results).toEqual([true, true]);
  });

  test('two coroutines on one socket, sleep, limits, and a server in the game', async () => {
    const game = await connected();
    game.run(`
      log = {}
      luasocket.start(function()
        local server = assert(socket.bind("127.0.0.1", 0))
        _, port = server:getsockname()
        local c = server:accept()
        repeat
          local line, err = c:receive()
          log[#log + 1] = line or err
        until err
      end)`);
    const [, port] = await game.until('return port, tonumber(port)');
    const native = dial(Number(port), '127.0.0.1');
    onTestFinished(() => void native.destroy());
    native.end('one\r\ntwo\n');
    expect(await game.until('return log[3] and true, unpack(log)')).toEqual([true, 'one', 'two', 'closed']);
    expect(
      await game.wait(
        `
        local c = assert(socket.connect("127.0.0.1", ...))
        c:settimeout(0.05)
        local before = socket.gettime()
        local _, err, partial = c:receive(5)
        socket.sleep(0.02)
        return err, partial, socket.gettime() - before >= 0.07 - 1e-6`,
        await echoPort(),
      ),
    ).toEqual(['timeout', '', true]);
  });

  test('protect, try and pcall of the module may wait inside', async () => {
    const game = await connected();
    const results = await game.wait(
      `local port, closed = ..., nil
       local ask = socket.protect(function()
         local c = socket.try(socket.connect("127.0.0.1", port))
         local try = socket.newtry(function() closed = c:close() end)
         c:settimeout(0.01)
         try(c:receive())
       end)
       local value, reason = ask()
       local ok, err = luasocket.pcall(function() socket.sleep(0.001) error "own" end)
       return tostring(value), reason, closed, ok, err:match "own$"`,
      await echoPort(),
    );
    expect(results).toEqual(['nil', 'timeout', 1, false, 'own']);
  });

  test('an error comes out of update, with a traceback', async () => {
    const game = await connected();
    game.run('luasocket.start(function() socket.sleep(0) error "of a coroutine" end)');
    await expect(game.until('return false')).rejects.toThrow(/main:1: of a coroutine\nstack traceback/);
  });
});

describe('outside of coroutines calls answer at once', () => {
  test('a frame loop: connect, select, receive, and one html5.run a frame while nothing happens', async () => {
    const game = await connected();
    game.run('c = socket.tcp() c:settimeout(0) first, why = c:connect("127.0.0.1", ...)', await echoPort());
    expect(game.run('return first, why, c:receive()')).toEqual([null, 'timeout', null, 'timeout', '']);
    await game.until('return #select(2, socket.select(nil, { c }, 0)) == 1');
    expect(game.run('return c:send "ping\\n"')).toEqual([5, null, null]);
    expect(await game.until('return c:receive()')).toEqual(['ping', null, null]);
    const before = game.engine.calls;
    game.run(`
      luasocket.update()
      for i = 1, 100 do
        assert(select(2, c:receive()) == "timeout")
        assert(#socket.select({ c }, nil, 0) == 0)
      end`);
    // The clock may go on by more than what is known holds.
    expect(game.engine.calls - before).toBeLessThan(20);
  });

  test('datagrams', async () => {
    const game = await connected();
    const peer = createSocket('udp4');
    onTestFinished(() => void peer.close());
    await new Promise<void>((resolve) => peer.bind(0, '127.0.0.1', resolve));
    peer.on('message', (message, from) => peer.send(message, from.port));
    game.run(EVERYTHING);
    expect(
      game.run(
        'u = socket.udp() return u:receivefrom(), #everything - u:sendto(everything, "127.0.0.1", ...)',
        peer.address().port,
      ),
    ).toEqual([null, 0]);
    expect(await game.until('local d, ip, p = u:receivefrom() return d and d == everything, ip, p')).toEqual([
      true,
      '127.0.0.1',
      peer.address().port,
    ]);
  });

  test('objects are userdata, and the garbage collector closes', async () => {
    const game = await connected();
    expect(
      game.run(`
        local u = socket.udp()
        return type(u), tostring(u):match "^udp{unconnected}: 0x%x+$" ~= nil, u.class, u.nothing, u:getfd()`),
    ).toEqual(['userdata', true, 'udp{unconnected}', null, 3]);
    game.run('collectgarbage() collectgarbage() luasocket.update()');
    expect(game.run('return socket.tcp():getfd()')).toEqual([3]);
  });

  test('errors have LuaSocket’s words, the caller’s name for the method, and its place', async () => {
    const game = await connected();
    const raised = (call: string) =>
      game.run(`local c, u = socket.tcp(), socket.udp()\nreturn select(2, pcall(function() ${call} end))`)[0];
    expect(raised('c:connect()')).toBe("main:2: bad argument #1 to 'connect' (string expected, got no value)");
    expect(raised('c.connect(c)')).toBe("main:2: bad argument #2 to 'connect' (string expected, got no value)");
    expect(raised('c:send("x")')).toBe("main:2: calling 'send' on bad self (tcp{client} expected, got userdata)");
    expect(raised('c.send(u, "x")')).toBe("main:2: bad argument #1 to 'send' (tcp{client} expected, got userdata)");
    expect(raised('c:setoption("linger", {})')).toBe(
      "main:2: bad argument #2 to 'setoption' (boolean 'on' field expected)",
    );
    expect(raised('socket.select(1)')).toBe("main:2: bad argument #1 to 'select' (table expected, got number)");
    expect(raised('socket.select(nil, nil, "x")')).toBe(
      "main:2: bad argument #3 to 'select' (number expected, got string)",
    );
    expect(raised('socket.skip()')).toBe("main:2: bad argument #1 to 'skip' (number expected, got no value)");
    expect(raised('c:nothing()')).toBe("main:2: attempt to call method 'nothing' (a nil value)");
  });

  test('the engine’s own helpers work on top of it', async () => {
    const game = await connected();
    // builtins.scripts.socket puts its functions into the global, as this module does.
    game.run('require "luasocket_web.helpers" (socket)');
    const bind =
      'local server = assert(socket.bind("127.0.0.1", 0)) return server.class, tonumber((select(2, server:getsockname()))) > 0';
    expect(game.run(bind)).toEqual(['tcp{server}', true]);
    expect(await game.wait(bind)).toEqual(['tcp{server}', true]);
  });

  test('the namespace is that of a desktop', async () => {
    const game = await Game.start();
    const [names] = game.run(`
      local names = {}
      for name, value in pairs(socket) do names[#names + 1] = name end
      table.sort(names)
      return table.concat(names, " ")`);
    expect(names).toBe(
      'BLOCKSIZE _SETSIZE _VERSION bind choose connect connect4 connect6 dns gettime newtry protect select sink sinkt ' +
        'skip sleep source sourcet tcp tcp4 tcp6 try udp udp4 udp6',
    );
  });
});
