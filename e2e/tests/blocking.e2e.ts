/** luasocket-web/blocking in a Worker of an isolated page: calls block, and nothing else does. */
import type { SocketNamespace, TcpSocket } from 'luasocket-web';
import { expect, test } from '../fixtures/blocking.ts';

const SIZE = 8 * 1024 * 1024;
type Bytes = SocketNamespace<'sync', Uint8Array>;

test('talks to a native server, call by call', async ({ blocking, luaServer }) => {
  const got = await blocking.run((socket, port) => {
    const [c] = socket.try(socket.connect('127.0.0.1', port));
    c.send('lines\nhello\nbye\n');
    const said = [c.receive(), c.receive(), c.receive()];
    const pong = socket.protect(() => {
      socket.try(socket.connect('127.0.0.1', port, 'no address'));
    })();
    return { said, pong: pong[0], closed: c.close(), again: c.receive(), state: socket.relay.state };
  }, luaServer.port);
  expect(got).toEqual({
    said: [
      ['1: hello', null, null],
      ['bye', null, null],
      [null, 'closed', ''],
    ],
    pong: null,
    closed: [1],
    again: [null, 'closed', ''],
    state: 'connected',
  });
});

// The relay's clock is an estimate: where a better probe shows that it ran ahead, it goes at half the pace until it is right.
test('time limits and sleep are exact by our clock, sleep by the relay’s too, which never goes slower than half the pace', {
  tag: '@timed',
}, async ({ blocking, luaServer }) => {
  const got = await blocking.run((socket, port) => {
    const [c] = socket.try(socket.connect('127.0.0.1', port));
    c.send('silent\n');
    c.settimeout(0.05);
    const early: string[] = [];
    // Seconds. Doubles of the time since 1970 are a quarter of a microsecond apart.
    const RESOLUTION = 1e-6;
    const timed = <T>(what: string, ours: number, theirs: number, run: () => T): T => {
      const [here, there] = [performance.now(), socket.gettime()];
      const result = run();
      const [passedHere, passedThere] = [(performance.now() - here) / 1000, socket.gettime() - there];
      if (passedHere < ours - RESOLUTION) early.push(`${what}: ${passedHere} s by our clock`);
      if (passedThere < theirs - RESOLUTION) early.push(`${what}: ${passedThere} s by the relay's clock`);
      return result;
    };
    const results = [
      timed('receive', 0.05, 0.025, () => c.receive()),
      timed('select', 0.07, 0.035, () => socket.select([c], null, 0.07)[2]),
      timed('sleep', 0.03, 0.03, () => socket.sleep(0.03)),
      timed('short sleep', 0.0005, 0.0005, () => socket.sleep(0.0005)),
    ];
    c.settimeout(0);
    const polled = c.receive();
    let backwards = 0;
    for (let last = 0, i = 0; i < 1000; i++) {
      const now = socket.gettime();
      if (now < last) backwards++;
      last = now;
    }
    return { early, results, polled, backwards, off: Math.abs(socket.gettime() - Date.now() / 1000) };
  }, luaServer.port);
  expect(got).toMatchObject({
    early: [],
    results: [[null, 'timeout', ''], 'timeout', [], []],
    polled: [null, 'timeout', ''],
    backwards: 0,
  });
  // The relay is on this machine.
  expect(got.off).toBeLessThan(1);
});

test('select tells which of several sockets is ready, and zero limits see what the relay has', async ({
  blocking,
  luaServer,
}) => {
  const got = await blocking.run(
    (socket, { port, udpPort }) => {
      const [silent] = socket.try(socket.connect('127.0.0.1', port));
      const [lines] = socket.try(socket.connect('127.0.0.1', port));
      const [udp] = socket.try(socket.udp());
      silent.send('silent\n');
      lines.send('lines\nhello\n');
      const sockets = { silent, lines, udp };
      const names = (list: readonly unknown[]) =>
        Object.entries(sockets)
          .filter(([, s]) => list.includes(s))
          .map(([name]) => name);
      const first = names(socket.select([silent, lines, udp])[0]);
      lines.receive();
      udp.sendto('ping', '127.0.0.1', udpPort);
      const second = names(socket.select([silent, lines, udp])[0]);
      const [payload] = udp.receivefrom();
      lines.settimeout(0);
      lines.send('more\n');
      let tries = 0;
      let line: string | null = null;
      while (line === null) {
        [line] = lines.receive();
        tries++;
      }
      return { first, second, payload, line, tries: tries > 0, none: socket.select([silent], null, 0)[2] };
    },
    { port: luaServer.port, udpPort: luaServer.udpPort },
  );
  expect(got).toEqual({
    first: ['lines'],
    second: ['udp'],
    payload: 'ping',
    line: '2: more',
    tries: true,
    none: 'timeout',
  });
});

test('works on while the page is stuck in a loop', async ({ blocking, luaServer }) => {
  const { page } = blocking;
  await blocking.run(() => {
    addEventListener('message', ({ data }) => {
      if (data.flag !== undefined) Object.assign(globalThis, { flag: new Int32Array(data.flag) });
    });
  });
  const body = (socket: SocketNamespace<'sync'>, port: number) => {
    const { flag } = globalThis as unknown as { flag: Int32Array };
    // Until the page is in its loop.
    Atomics.wait(flag, 0, 0);
    const [c] = socket.try(socket.connect('localhost', port));
    c.send('echo\n');
    let echoed = 0;
    for (let i = 0; i < 50; i++) {
      c.send('0123456789');
      const [data] = c.receive(10);
      echoed += data?.length ?? 0;
    }
    socket.sleep(0.05);
    c.close();
    const stuck = Atomics.load(flag, 0) === 1;
    Atomics.store(flag, 0, 2);
    return { echoed, stuck };
  };
  const question = JSON.stringify({ body: String(body), given: luaServer.port });
  const got = await page.evaluate(`(() => {
    const flag = new Int32Array(new SharedArrayBuffer(4));
    const answers = [ask({ body: '() => null', flag: flag.buffer }), ask(${question})];
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
    while (Atomics.load(flag, 0) !== 2);
    return answers[1];
  })()`);
  expect(got).toEqual({ echoed: 500, stuck: true });
});

test('hosts a server: accept blocks until a native client comes', async ({ blocking, lua }) => {
  interface Hosting {
    server: TcpSocket<'sync'>;
  }
  const port = await blocking.run((socket, _, kept: Hosting) => {
    [kept.server] = socket.try(socket.bind('127.0.0.1', 0));
    return kept.server.getsockname()[1];
  });
  const serving = blocking.run((socket, _, kept: Hosting) => {
    const [c] = socket.try(kept.server.accept());
    const hello = c.receive();
    c.send('welcome\n12345');
    const [long] = socket.try(c.receive());
    const end = c.receive();
    c.send('goodbye');
    c.close();
    kept.server.settimeout(0);
    return { hello, long: long.length, end, idle: kept.server.accept(), closed: kept.server.close() };
  });
  const client = await lua('client', '127.0.0.1', String(port), 'a native');
  await client.says(/^done$/m);
  expect(await serving).toEqual({
    hello: ['hello from a native', null, null],
    long: 1000,
    end: [null, 'closed', ''],
    idle: [null, 'timeout'],
    closed: [1],
  });
  expect(client.output).toContain('got welcome\ngot 12345\nrest goodbye nil nil\n');
});

test('8 MiB up, down, and both ways at once, byte for byte', async ({ bare, relay, luaServer }) => {
  await bare.connect(relay.endpoint, { strings: 'bytes' });
  const got = await bare.run(
    async (socket: Bytes, { port, size, path }, _, tools) => {
      const noise = tools.noise(size);
      const [up] = socket.try(socket.connect('127.0.0.1', port));
      up.send('all\n');
      const sent = up.send(noise);
      up.shutdown('send');
      const [line] = socket.try(up.receive('*l'));

      const [down] = socket.try(socket.connect('127.0.0.1', port));
      down.send(`send ${path}\n`);
      const [all] = socket.try(down.receive('*a'));

      const [both] = socket.try(socket.connect('127.0.0.1', port));
      both.send('echo\n');
      both.settimeout(0);
      const back = new Uint8Array(size);
      let [out, into] = [0, 0];
      while (into < size) {
        const [readable, writable] = socket.select([both], out < size ? [both] : null);
        if (writable.length > 0) {
          const [index, , last] = both.send(noise, out + 1, Math.min(out + 100_000, size));
          out = index ?? last ?? out;
        }
        if (readable.length === 0) continue;
        const [data, , partial] = both.receive(100_000);
        const piece = data ?? partial ?? new Uint8Array(0);
        back.set(piece, into);
        into += piece.length;
      }
      const sum = await tools.sha256(noise);
      return {
        sent,
        said: new TextDecoder().decode(line) === `${size} ${sum} closed`,
        down: await tools.sha256(all),
        same: (await tools.sha256(back)) === sum,
      };
    },
    { port: luaServer.port, size: SIZE, path: luaServer.noise.path },
  );
  expect(got).toEqual({ sent: [SIZE, null, null], said: true, down: luaServer.noise.sha256, same: true });
});

test('a program that does not read is waited for: nothing is lost, and its bytes are bounded by credit', {
  tag: '@timed',
}, async ({ bare, relay, luaServer }) => {
  await bare.connect(relay.endpoint, { strings: 'bytes' });
  const got = await bare.run(
    async (socket: Bytes, { port, path }, _, tools) => {
      const [c] = socket.try(socket.connect('127.0.0.1', port));
      c.send(`send ${path}\n`);
      // Stuck, as in a long computation: until nothing more comes.
      const received = () => socket.relay.stats.bytesReceived;
      const still = new Int32Array(new SharedArrayBuffer(4));
      for (let last = -1; last !== received(); Atomics.wait(still, 0, 0, 500)) last = received();
      const before = received();
      const [all] = socket.try(c.receive('*a'));
      return { before, sum: await tools.sha256(all) };
    },
    { port: luaServer.port, path: luaServer.noise.path },
  );
  expect(got.sum).toBe(luaServer.noise.sha256);
  expect(got.before).toBeGreaterThan(64 * 1024);
  expect(got.before).toBeLessThan(2 * 1024 * 1024);
});
