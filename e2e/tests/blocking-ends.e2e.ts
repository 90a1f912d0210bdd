/** luasocket-web/blocking when something is lost or closed, or cannot be had: bounded, clean, and told. */
import type { TcpSocket } from 'luasocket-web';
import type { connect } from '../../client/src/blocking.ts';
import { BlockingTab, expect, test } from '../fixtures/blocking.ts';
import { startCuttable } from '../fixtures/cuttable.ts';
import { startRelay } from '../fixtures/relay.ts';

test('a WebSocket that is cut while a call blocks goes on, and tells when the program runs again', async ({
  bare,
  relay,
  nc,
}) => {
  const proxy = await startCuttable(relay.port);
  interface Watched {
    told: string[];
    server: TcpSocket<'sync'>;
    c: TcpSocket<'sync'>;
  }
  try {
    await bare.connect(proxy.endpoint);
    const port = await bare.run((socket, _, kept: Watched) => {
      kept.told = [];
      socket.relay.on('state', (state) => kept.told.push(state));
      socket.relay.on('resumed', () => kept.told.push('resumed'));
      [kept.server] = socket.try(socket.bind('127.0.0.1', 0));
      return kept.server.getsockname()[1];
    });
    const client = await nc('127.0.0.1', port as string);
    await bare.run((socket, _, kept: Watched) => {
      [kept.c] = socket.try(kept.server.accept());
      kept.c.send('go\n');
    });
    await client.says(/^go$/m);
    const reading = bare.run((socket, _, kept: Watched) => {
      const line = kept.c.receive();
      const frames: string[] = [];
      const off = socket.relay.on('frame', ({ direction, frame }) => frames.push(`${direction} ${frame.type}`));
      kept.c.send('thanks\n');
      off();
      // It is measured anew over the new WebSocket.
      while (socket.relay.stats.roundtrip === null) socket.sleep(0.01);
      const { resumes, sockets, roundtrip, bytesSent } = socket.relay.stats;
      return { line, told: kept.told, frames, resumes, sockets, rest: (roundtrip ?? -1) > 0 && bytesSent > 0 };
    });
    proxy.cut();
    client.write('after the cut\n');
    expect(await reading).toEqual({
      line: ['after the cut', null, null],
      told: ['reconnecting', 'connected', 'resumed'],
      frames: ['sent data'],
      resumes: 1,
      sockets: 2,
      rest: true,
    });
    await client.says(/^thanks$/m);
    await bare.run((socket) => socket.relay.close());
  } finally {
    await proxy.close();
  }
});

test('while the WebSocket is lost a call blocks no longer than its time limit', async ({ bare, relay, luaServer }) => {
  const proxy = await startCuttable(relay.port);
  try {
    await bare.connect(proxy.endpoint);
    await bare.run((socket, port, kept: { c: TcpSocket<'sync'> }) => {
      [kept.c] = socket.try(socket.connect('127.0.0.1', port));
      kept.c.send('echo\nabc');
      socket.select([kept.c], null, 20);
    }, luaServer.port);
    proxy.lead(null);
    proxy.cut();
    const got = await bare.run((socket, port, kept: { c: TcpSocket<'sync'> }) => {
      while (socket.relay.state !== 'reconnecting') socket.sleep(0.005);
      kept.c.settimeout(0);
      const here = kept.c.receive(4);
      const fresh = socket.try(socket.tcp())[0];
      fresh.settimeout(0.02);
      const connecting = fresh.connect('127.0.0.1', port);
      const ready = socket.select([kept.c], null, 0.02)[2];
      kept.c.settimeout();
      kept.c.send('d');
      return { here, connecting, ready, state: socket.relay.state };
    }, luaServer.port);
    expect(got).toEqual({
      here: [null, 'timeout', 'abc'],
      connecting: [null, 'timeout'],
      ready: 'timeout',
      state: 'reconnecting',
    });
    proxy.lead(relay.port);
    expect(await bare.run((_, __, kept: { c: TcpSocket<'sync'> }) => kept.c.receive(1))).toEqual(['d', null, null]);
  } finally {
    await proxy.close();
  }
});

for (const end of ['die', 'fail']) {
  test(`a pump that ${end}s is noticed by a call that blocks; what had come is read first`, async ({
    bare,
    site,
    luaServer,
  }) => {
    const relay = await startRelay();
    await bare.connect(relay.endpoint, { workerUrl: `${site.url}/isolated/mortal-pump.js` });
    const got = await bare.run(
      (socket, { port, end }) => {
        const states: string[] = [];
        socket.relay.on('state', (state) => states.push(state));
        const [c] = socket.try(socket.connect('127.0.0.1', port));
        c.send('echo\nabc\ndef');
        const first = c.receive();
        new BroadcastChannel('mortal-pump').postMessage(end);
        return {
          first,
          rest: c.receive(),
          end: c.receive(),
          send: c.send('x'),
          connect: socket.connect('127.0.0.1', port)[0],
          sleep: socket.sleep(0.01),
          state: socket.relay.state,
          reason: socket.relay.reason,
          states,
        };
      },
      { port: luaServer.port, end },
    );
    expect(got).toEqual({
      first: ['abc', null, null],
      rest: [null, 'closed', 'def'],
      end: [null, 'closed', ''],
      send: [null, 'closed', 0],
      connect: null,
      sleep: [],
      state: 'lost',
      reason: end === 'fail' ? 'the pump fails' : 'the worker is gone',
      states: ['lost'],
    });
    await expect.poll(() => relay.sockets()).toBe(1);
    await relay.close();
  });
}

for (const [what, end] of [
  ['its worker is terminated', 'worker.terminate()'],
  ['the page is reloaded', 'location.reload()'],
] as const) {
  test(`the relay lets go of a session when ${what}, even while a call blocks`, async ({ bare, luaServer }) => {
    const relay = await startRelay();
    await bare.connect(relay.endpoint);
    await bare.run((socket, port) => {
      for (let i = 0; i < 5; i++) socket.try(socket.connect('127.0.0.1', port))[0].send('silent\n');
      socket.try(socket.bind('127.0.0.1', 0));
    }, luaServer.port);
    expect(await relay.sockets()).toBeGreaterThanOrEqual(7);
    const blocked = `void ask({ body: '(socket) => socket.sleep(3600)' }).catch(() => {})`;
    await bare.page.evaluate(`${blocked}; void setTimeout(() => ${end})`);
    // Only the relay's own is left.
    await expect.poll(() => relay.sockets()).toBe(1);
    await relay.close();
  });
}

test('relay.close() ends everything in good order, and at once', async ({ bare, luaServer }) => {
  const relay = await startRelay();
  await bare.connect(relay.endpoint);
  const got = await bare.run((socket, port) => {
    const states: string[] = [];
    socket.relay.on('state', (state) => states.push(state));
    const [c] = socket.try(socket.connect('127.0.0.1', port));
    c.send('silent\n');
    socket.relay.close();
    return { states, receive: c.receive(), send: c.send('x'), tcp: socket.tcp()[0], close: c.close() };
  }, luaServer.port);
  expect(got).toEqual({
    states: ['closed'],
    receive: [null, 'closed', ''],
    send: [null, 'closed', 0],
    tcp: null,
    close: [1],
  });
  await expect.poll(() => relay.sockets()).toBe(1);
  await relay.close();
});

test('says what is missing where it cannot work', async ({ bare, page, site, relay }) => {
  const inPage = `import('./client/blocking.js').then(({ connect }) => connect(${JSON.stringify(relay.endpoint)}))`;
  const onPage = await page.evaluate<string>(`${inPage}.then(() => 'connected', String)`);
  expect(onPage).toMatch(/^Error: .* in a Worker only/);
  const noPump = bare.connect(relay.endpoint, { workerUrl: `${site.url}/isolated/nothing.js` });
  await expect(noPump).rejects.toThrow(/options\.workerUrl/);
  await expect(bare.connect('ws://127.0.0.1:9/relay')).rejects.toThrow(/cannot connect to ws:.*cannot be reached/);
  await expect(bare.connect('mailto:nobody')).rejects.toThrow(/cannot connect to mailto:nobody/);
  bare.troubles.length = 0; // the browser's own words on the script that is not there, and the port where nobody listens

  const plain = new BlockingTab(page);
  await plain.load(`${site.url}/blocking.html`);
  await expect(plain.connect(relay.endpoint)).rejects.toThrow(
    /Cross-Origin-Opener-Policy: same-origin.*Cross-Origin-Embedder-Policy: require-corp.*credentialless.*faces\.md/,
  );
});

test('a signal gives up connecting, and closes the connection later', async ({ bare }) => {
  const relay = await startRelay();
  const got = await bare.run(async (_, endpoint) => {
    const { library } = globalThis as unknown as { library: { connect: typeof connect } };
    const early = new AbortController();
    const attempt = library.connect(endpoint, { signal: early.signal });
    early.abort('too slow');
    const given = await attempt.then(() => 'connected', String);
    const later = new AbortController();
    const socket = await library.connect(endpoint, { signal: later.signal });
    socket.try(socket.bind('127.0.0.1', 0));
    later.abort();
    return { given, state: socket.relay.state, tcp: socket.tcp()[0] };
  }, relay.endpoint);
  expect(got).toEqual({ given: 'too slow', state: 'closed', tcp: null });
  // Only the relay's own is left.
  await expect.poll(() => relay.sockets()).toBe(1);
  await relay.close();
});
