/** A page as a TCP client of a real LuaSocket server. */
import { expect, test } from '../fixtures/test.ts';

test('talks in lines until the server closes', async ({ tab, luaServer }) => {
  const got = await tab.run(async (socket, port) => {
    const [c] = await socket.try(socket.connect('127.0.0.1', port));
    const sent = await c.send('lines\nfirst\r\nzwei, grün\n');
    const lines = [await c.receive(), await c.receive('*l', 'said '), await c.send('bye\n'), await c.receive()];
    const end = [await c.receive(), await c.receive('*a')];
    const [received, sentBytes, age] = c.getstats();
    return {
      sent,
      lines,
      end,
      received,
      sentBytes,
      young: age >= 0 && age < 60,
      class: c.class,
      close: await c.close(),
      fd: c.getfd(),
    };
  }, luaServer.port);
  expect(got).toEqual({
    sent: [25, null, null],
    lines: [
      ['1: first', null, null],
      ['said 2: zwei, grün', null, null],
      [4, null, null],
      ['bye', null, null],
    ],
    end: [
      [null, 'closed', ''],
      [null, 'closed', ''],
    ],
    received: '1: first\r\n2: zwei, grün\r\nbye\r\n'.length + 1,
    sentBytes: 29,
    young: true,
    class: 'tcp{client}',
    close: [1],
    fd: -1,
  });
});

test('reads by count, over the bounds of what arrives', async ({ tab, luaServer }) => {
  const got = await tab.run(async (socket, port) => {
    const [c] = await socket.try(socket.connect('127.0.0.1', port));
    await c.send('count 10\n0123456789');
    const answers = [await c.receive(4), c.dirty(), await c.receive(5, 'ab'), await c.receive(3), c.dirty()];
    c.settimeout(0.05);
    answers.push(await c.receive(1), await c.receive('*l'));
    c.settimeout(null);
    await c.send('ab');
    await c.send('xxcdefghijyy', 3, -3);
    answers.push(await c.receive(10));
    await c.close();
    return answers;
  }, luaServer.port);
  expect(got).toEqual([
    ['9876', null, null],
    true,
    ['ab543', null, null],
    ['210', null, null],
    false,
    [null, 'timeout', ''],
    [null, 'timeout', ''],
    ['jihgfedcba', null, null],
  ]);
});

test('closes one half, and reads what comes after', async ({ tab, luaServer }) => {
  const got = await tab.run(async (socket, port) => {
    const [c] = await socket.try(socket.connect('127.0.0.1', port));
    await c.send('all\nabc');
    const shutdown = await c.shutdown('send');
    return [shutdown, await c.send('more'), await c.receive('*a'), await c.receive('*a'), c.class];
  }, luaServer.port);
  expect(got).toEqual([
    [1],
    [null, 'closed', 0],
    ['3 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad closed\n', null, null],
    [null, 'closed', ''],
    'tcp{client}',
  ]);
});

for (const family of ['inet', 'inet6'] as const) {
  test(`both ends agree on their names (${family})`, async ({ tab, luaServer }) => {
    const address = family === 'inet' ? '127.0.0.1' : '::1';
    const port = family === 'inet' ? luaServer.port : luaServer.port6;
    const got = await tab.run(
      async (socket, [host, at]) => {
        const [c] = await socket.try(socket.connect(host, at));
        const here = [(await c.getsockname()).join(' '), (await c.getpeername()).join(' ')];
        await c.send('names\n');
        const [there] = await c.receive('*a');
        await c.close();
        return { here, there, after: await c.getsockname() };
      },
      [address, port] as const,
    );
    expect(got.here).toEqual([
      expect.stringMatching(new RegExp(`^${address} \\d+ ${family}$`)),
      `${address} ${port} ${family}`,
    ]);
    expect(got.there).toBe(`${got.here.join('\n')}\n`);
    expect(got.after).toEqual([null, 'Bad file descriptor']);
  });
}

test('connects without waiting, and select tells when', async ({ tab, luaServer }) => {
  const got = await tab.run(async (socket, port) => {
    const [c] = await socket.try(socket.tcp());
    c.settimeout(0);
    const first = await c.connect('127.0.0.1', port);
    const [, writable] = await socket.select(null, [c]);
    const rest = [
      writable.get(c),
      await c.getoption('error'),
      await c.connect('127.0.0.1', port),
      await c.connect('127.0.0.1', port),
    ];
    await c.close();
    return { first, rest };
  }, luaServer.port);
  // LuaSocket over a loopback may also find the connection made when it looks.
  expect([[null, 'timeout'], [1]]).toContainEqual(got.first);
  expect(got.rest.slice(0, 2)).toEqual([1, [null]]);
  expect(got.rest[3]).toEqual([null, 'already connected']);
});

test('is refused where nobody listens', async ({ tab }) => {
  const got = await tab.run(async (socket) => {
    // A port that is certainly free: bound, but not listening.
    const [holder] = await socket.try(socket.tcp());
    await socket.try(holder.bind('127.0.0.1', 0));
    const [, port] = await holder.getsockname();
    const [c] = await socket.try(socket.tcp());
    const refusals = [await socket.connect('127.0.0.1', port), await c.connect('127.0.0.1', port), c.class];
    await Promise.all([holder.close(), c.close()]);
    return refusals;
  });
  expect(got).toEqual([[null, 'connection refused'], [null, 'connection refused'], 'tcp{client}']);
});

test('sets options that the kernel really has', async ({ tab, luaServer }) => {
  const got = await tab.run(async (socket, port) => {
    const [c] = await socket.try(socket.tcp());
    const set = [
      await c.setoption('reuseaddr', true),
      await c.setoption('keepalive', true),
      await c.setoption('tcp-nodelay', true),
      await c.setoption('linger', { on: true, timeout: 7 }),
    ];
    await socket.try(c.connect('127.0.0.1', port));
    const read = [
      await c.getoption('reuseaddr'),
      await c.getoption('keepalive'),
      await c.getoption('tcp-nodelay'),
      await c.getoption('linger'),
    ];
    const off = [
      await c.setoption('tcp-nodelay', false),
      await c.getoption('tcp-nodelay'),
      await c.setoption('ipv6-v6only', true),
    ];
    await c.close();
    return { set, read, off };
  }, luaServer.port);
  expect(got).toEqual({
    set: [[1], [1], [1], [1]],
    read: [[true], [true], [true], [{ on: true, timeout: 7 }]],
    off: [[1], [false], [null, 'setsockopt failed']],
  });
});

test('wrong use rejects with the words of LuaSocket', async ({ tab, luaServer }) => {
  const got = await tab.run(async (socket, port) => {
    const [c] = await socket.try(socket.connect('127.0.0.1', port));
    const said = (error: unknown): string[] => [(error as Error).name, (error as Error).message];
    const all = [
      await c.receive('*x').catch(said),
      await c.listen().catch(said),
      await c.send(undefined as never).catch(said),
      await socket.connect('127.0.0.1', null as never).catch(said),
    ];
    await c.close();
    return all;
  }, luaServer.port);
  expect(got).toEqual([
    [expect.any(String), "bad argument #1 to 'receive' (invalid receive pattern)"],
    [expect.any(String), expect.stringMatching(/^calling 'listen' on bad self \(tcp\{master\} expected/)],
    [expect.any(String), "bad argument #1 to 'send' (string expected, got nil)"],
    [expect.any(String), "bad argument #2 to 'connect' (string expected, got nil)"],
  ]);
});

test('runs LuaSocket’s helpers: try, protect, source, sink', async ({ tab, luaServer }) => {
  const got = await tab.run(async (socket, port) => {
    let finalized = 0;
    const talk = socket.protect(async (at: number) => {
      const [c] = await socket.try(socket.connect('127.0.0.1', at));
      const attempt = socket.newtry(() => {
        finalized++;
        return c.close();
      });
      await attempt(socket.sink('keep-open', c)('all\n'));
      await attempt(socket.sink('keep-open', c)('abc'));
      await c.shutdown('send');
      const source = socket.source('until-closed', c);
      const chunks: string[] = [];
      for (let [chunk] = await source(); chunk !== null; [chunk] = await source()) chunks.push(chunk);
      await attempt(c.send('too late'));
      return [chunks.join('')];
    });
    const kept: string[] = [];
    const [c] = await socket.try(socket.connect('127.0.0.1', port));
    await c.send('names\n');
    const source = socket.source(c);
    for (let [chunk] = await source(); chunk !== null; [chunk] = await source()) kept.push(chunk);
    return {
      failed: await talk(port),
      finalized,
      lines: kept.join('').split('\n').length,
      skip: socket.skip(1, 'a', 'b'),
    };
  }, luaServer.port);
  expect(got).toEqual({ failed: [null, 'closed'], finalized: 1, lines: 3, skip: ['b'] });
});
