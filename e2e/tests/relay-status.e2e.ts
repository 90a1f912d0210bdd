/** `socket.relay`: states, frames and counters, and what happens to sockets when the relay goes. */
import type { SocketNamespace, TcpSocket } from 'luasocket-web';
import { startCuttable } from '../fixtures/cuttable.ts';
import { startRelay } from '../fixtures/relay.ts';
import { expect, test } from '../fixtures/test.ts';

interface Watched {
  states: string[];
  c: TcpSocket;
  server: TcpSocket;
}

test('frames and counters tell what goes over the wire', async ({ tab, luaServer }) => {
  const got = await tab.run(async (socket, port) => {
    const before = socket.relay.stats;
    const frames: { direction: string; type: string; bytes: number; time: number }[] = [];
    const off = socket.relay.on('frame', ({ direction, frame, bytes, time }) =>
      frames.push({ direction, type: frame.type, bytes, time }),
    );
    const [c] = await socket.try(socket.connect('127.0.0.1', port));
    await c.send('lines\nhello\nbye\n');
    await c.receive('*a');
    await c.close();
    off();
    const heard = frames.length;
    const { stats } = socket.relay;
    await (await socket.connect('127.0.0.1', port))[0]?.close();
    const of = (direction: string): string[] => [
      ...new Set(frames.filter((frame) => frame.direction === direction).map(({ type }) => type)),
    ];
    return {
      sent: of('sent'),
      received: of('received'),
      sane: frames.every(({ bytes, time }) => bytes > 0 && Math.abs(time - Date.now() / 1000) < 60),
      silentAfter: frames.length === heard,
      rising:
        stats.framesSent > before.framesSent &&
        stats.framesReceived > before.framesReceived &&
        stats.bytesSent > before.bytesSent,
      gathered: stats.messagesSent <= stats.framesSent,
      state: socket.relay.state,
    };
  }, luaServer.port);
  expect(got.sent).toEqual(expect.arrayContaining(['open', 'connect', 'data', 'close']));
  expect(got.received).toEqual(expect.arrayContaining(['connected', 'data', 'end']));
  expect(got).toMatchObject({ sane: true, silentAfter: true, rising: true, gathered: true, state: 'connected' });
});

test('close ends everything in good order', async ({ bareTab: tab, relay, luaServer }) => {
  await tab.connect(relay.endpoint);
  const got = await tab.run(async (socket, port) => {
    const states: string[] = [];
    socket.relay.on('state', (state) => states.push(state));
    const [c] = await socket.try(socket.connect('127.0.0.1', port));
    await c.send('silent\n');
    const waiting = c.receive();
    socket.relay.close();
    return {
      states,
      waiting: await waiting,
      send: await c.send('x'),
      connect: await socket.connect('127.0.0.1', port),
      close: await c.close(),
    };
  }, luaServer.port);
  expect(got).toMatchObject({
    states: ['closed'],
    waiting: [null, 'closed', ''],
    send: [null, 'closed', 0],
    close: [1],
  });
  expect(got.connect[0]).toBeNull();
  expect(tab.troubles).toEqual([]);
});

test('a relay that dies: what has come is read, then everything says closed', async ({ bareTab: tab, luaServer }) => {
  const doomed = await startRelay();
  await tab.connect(doomed.endpoint);
  await tab.run(async (socket, port, kept: Watched) => {
    kept.states = [];
    socket.relay.on('state', (state) => kept.states.push(state));
    [kept.server] = await socket.try(socket.bind('127.0.0.1', 0));
    [kept.c] = await socket.try(socket.connect('127.0.0.1', port));
    const echoed = new Promise<void>((resolve) => {
      let bytes = 0;
      socket.relay.on('frame', ({ direction, frame }) => {
        if (direction === 'received' && frame.type === 'data') bytes += (frame.payload as Uint8Array).length;
        if (bytes === 'unread\nunfinished'.length) resolve();
      });
    });
    await kept.c.send('echo\nunread\nunfinished');
    await echoed;
  }, luaServer.port);
  const waiting = tab.run(async (_socket, _, kept: Watched) => {
    const accept = kept.server.accept();
    const line = await kept.c.receive();
    return { line, next: await kept.c.receive(), accept: await accept };
  });
  const port = doomed.port;
  await doomed.kill();
  const heir = await startRelay({}, port); // the same address, but another process: the session cannot be there
  try {
    const got = await waiting;
    expect(got.line).toEqual(['unread', null, null]);
    expect(got.next).toEqual([null, 'closed', 'unfinished']);
    expect(got.accept).toEqual([null, 'closed']);
    const after = await tab.run(async (socket, at, kept: Watched) => {
      return {
        states: kept.states,
        state: socket.relay.state,
        reason: socket.relay.reason,
        send: await kept.c.send('x'),
        connect: (await socket.connect('127.0.0.1', at))[0],
      };
    }, luaServer.port);
    expect(after.states.at(-1)).toBe('lost');
    expect(after).toMatchObject({ reason: 'the relay was restarted, or another one answers' });
    expect(after).toMatchObject({ state: 'lost', send: [null, 'closed', 0], connect: null });
    await tab.connect(heir.endpoint);
    const fresh = await tab.run(async (socket, at) => {
      const [c] = await socket.try(socket.connect('127.0.0.1', at));
      await c.send('lines\nagain\n');
      return (await c.receive())[0];
    }, luaServer.port);
    expect(fresh).toBe('1: again');
  } finally {
    await heir.close();
  }
});

test('a cut WebSocket loses nothing: streams go on', async ({ bareTab: tab, relay, luaServer }) => {
  const proxy = await startCuttable(relay.port);
  try {
    await tab.connect(proxy.endpoint);
    await tab.run(async (socket, port, kept: Watched) => {
      kept.states = [];
      socket.relay.on('state', (state) => kept.states.push(state));
      [kept.c] = await socket.try(socket.connect('127.0.0.1', port));
      await kept.c.send('lines\nbefore\n');
      await kept.c.receive();
    }, luaServer.port);
    const talking = tab.run(async (socket, rounds, kept: Watched) => {
      let right = 0;
      for (let round = 2; round < rounds + 2; round++) {
        await socket.try(kept.c.send(`${round} ${'x'.repeat(round)}\n`));
        if ((await kept.c.receive())[0] === `${round}: ${round} ${'x'.repeat(round)}`) right++;
        (globalThis as unknown as { progress: number }).progress = right;
      }
      return { right, states: kept.states, resumes: socket.relay.stats.resumes };
    }, 300);
    for (const progress of [50, 120, 200]) {
      await tab.page.waitForFunction(
        (wanted) => (globalThis as unknown as { progress: number }).progress >= wanted,
        progress,
      );
      proxy.cut();
    }
    const got = await talking;
    expect(got.right).toBe(300);
    expect(got.resumes).toBe(3);
    expect(got.states).toEqual(expect.arrayContaining(['reconnecting', 'connected']));
    expect(got.states.at(-1)).toBe('connected');
  } finally {
    await proxy.close();
  }
});

test('8 MiB both ways over a WebSocket that is cut again and again', async ({ bareTab: tab, relay, luaServer }) => {
  const size = 8 * 1024 * 1024;
  const proxy = await startCuttable(relay.port);
  try {
    await tab.connect(proxy.endpoint, { strings: 'bytes' });
    const transfer = tab.run(
      async (socket: SocketNamespace<'async', Uint8Array>, given, kept: { received: number }, tools) => {
        const [c] = await socket.try(socket.connect('127.0.0.1', given.port));
        await socket.try(c.send('echo\n'));
        const noise = tools.noise(given.size);
        const sending = c.send(noise);
        const parts: Uint8Array[] = [];
        for (kept.received = 0; kept.received < given.size; ) {
          const [part] = await socket.try(c.receive(Math.min(65_536, given.size - kept.received)));
          parts.push(part);
          kept.received += part.length;
        }
        const sent = await sending;
        await c.close();
        const back = new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
        return {
          sent,
          same: (await tools.sha256(back)) === (await tools.sha256(noise)),
        };
      },
      { port: luaServer.port, size },
    );
    const cuts = 12;
    for (let cut = 1; cut <= cuts; cut++) {
      // Further in the transfer, and connected again: kept.received is not there before the first byte.
      await tab.page.waitForFunction(`kept.received >= ${(size * cut) / (cuts + 1)}`);
      proxy.cut();
      await tab.page.waitForFunction(`socket.relay.stats.resumes === ${cut}`);
    }
    const got = await transfer;
    expect(got).toEqual({ sent: [size, null, null], same: true });
    expect(tab.troubles.filter((trouble) => !trouble.includes('WebSocket'))).toEqual([]); // Chromium tells of each cut
  } finally {
    await proxy.close();
  }
});
