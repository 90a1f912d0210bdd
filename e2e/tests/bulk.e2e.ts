/** Much data and many sockets, byte for byte, with a real LuaSocket program at the other end. */
import { createServer, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { SocketNamespace, TcpSocket } from 'luasocket-web';
import { expect, test } from '../fixtures/test.ts';

const SIZE = 8 * 1024 * 1024;
type Bytes = SocketNamespace<'async', Uint8Array>;

test('8 MiB up', async ({ bareTab: tab, relay, luaServer }) => {
  await tab.connect(relay.endpoint, { strings: 'bytes' });
  const got = await tab.run(
    async (socket: Bytes, { port, size }, _, tools) => {
      const [c] = await socket.try(socket.connect('127.0.0.1', port));
      const noise = tools.noise(size);
      await socket.try(c.send('all\n'));
      const sent = await c.send(noise);
      await c.shutdown('send');
      const [line] = await socket.try(c.receive('*l'));
      await c.close();
      return { sent, stats: c.getstats()[1], said: new TextDecoder().decode(line), sum: await tools.sha256(noise) };
    },
    { port: luaServer.port, size: SIZE },
  );
  expect(got).toEqual({
    sent: [SIZE, null, null],
    stats: SIZE + 4,
    said: `${SIZE} ${got.sum} closed`,
    sum: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(tab.troubles).toEqual([]);
});

test('8 MiB down', async ({ bareTab: tab, relay, luaServer }) => {
  await tab.connect(relay.endpoint, { strings: 'bytes' });
  const got = await tab.run(
    async (socket: Bytes, { port, path }, _, tools) => {
      const [c] = await socket.try(socket.connect('127.0.0.1', port));
      await socket.try(c.send(`send ${path}\n`));
      const [all] = await socket.try(c.receive('*a'));
      const end = await c.receive(1);
      return { size: all.length, sum: await tools.sha256(all), end: end[1], received: c.getstats()[0] };
    },
    { port: luaServer.port, path: luaServer.noise.path },
  );
  expect(got).toEqual({
    size: luaServer.noise.size,
    sum: luaServer.noise.sha256,
    end: 'closed',
    received: luaServer.noise.size,
  });
  expect(tab.troubles).toEqual([]);
});

test('8 MiB both ways at once', async ({ bareTab: tab, relay, luaServer }) => {
  await tab.connect(relay.endpoint, { strings: 'bytes' });
  const got = await tab.run(
    async (socket: Bytes, { port, size }, _, tools) => {
      const [c] = await socket.try(socket.connect('127.0.0.1', port));
      await socket.try(c.send('echo\n'));
      const noise = tools.noise(size);
      const [sent, back] = await Promise.all([c.send(noise), c.receive(size)]);
      await c.close();
      return {
        sent,
        same: back[0] !== null && (await tools.sha256(back[0])) === (await tools.sha256(noise)),
        size: back[0]?.length,
      };
    },
    { port: luaServer.port, size: SIZE },
  );
  expect(got).toEqual({ sent: [SIZE, null, null], same: true, size: SIZE });
  expect(tab.troubles).toEqual([]);
});

test('200 sockets at once, each with its own words', async ({ tab, luaServer }) => {
  const got = await tab.run(
    async (socket, { port, count }) => {
      const talk = async (index: number): Promise<number> => {
        const [c] = await socket.try(socket.connect('127.0.0.1', port));
        await socket.try(c.send('echo\n'));
        kept.push(c);
        await all; // nobody speaks before everybody is connected
        let right = 0;
        for (let round = 0; round < 10; round++) {
          const words = `socket ${index} round ${round} ${'x'.repeat((index * 7) % 300)}`;
          await socket.try(c.send(`${words}\n`));
          if ((await c.receive())[0] === words) right++;
        }
        return right;
      };
      const kept: TcpSocket[] = [];
      let go = (): void => {};
      const all = new Promise<void>((resolve) => {
        go = resolve;
      });
      const talks = Array.from({ length: count }, (_, index) => talk(index));
      while (kept.length < count) await socket.sleep(0.01);
      const open = socket.relay.stats.sockets;
      const descriptors = new Set(kept.map((c) => c.getfd())).size;
      go();
      const right = (await Promise.all(talks)).reduce((sum, rounds) => sum + rounds, 0);
      await Promise.all(kept.map((c) => c.close()));
      return { open, descriptors, right, left: socket.relay.stats.sockets };
    },
    { port: luaServer.port, count: 200 },
  );
  expect(got).toEqual({ open: 200, descriptors: 200, right: 2000, left: 0 });
});

test('a socket that nobody reads stops its peer, and nobody else; read again, it goes on', async ({
  tab,
  luaServer,
}) => {
  const size = 64 * 1024 * 1024;
  const peer = await startFountain(size);
  try {
    await tab.run(async (socket, port, kept: { idle: TcpSocket }) => {
      [kept.idle] = await socket.try(socket.connect('127.0.0.1', port));
      await socket.try(socket.select([kept.idle], null));
    }, peer.port);
    const right = await tab.run(async (socket, port) => {
      const [c] = await socket.try(socket.connect('127.0.0.1', port));
      await socket.try(c.send('lines\n'));
      let answers = 0;
      for (let n = 1; n <= 300; n++) {
        await socket.try(c.send(`line ${n}\n`));
        if ((await c.receive())[0] === `${n}: line ${n}`) answers++;
      }
      await c.close();
      return answers;
    }, luaServer.port);
    expect(right).toBe(300);
    // The pool (1 MiB, growing to 8) and the buffers of two kernel sockets (10 MiB on Linux), not all of it.
    expect(peer.taken()).toBeLessThan(size / 2);
    const rest = await tab.run(async (_socket, _, kept: { idle: TcpSocket }) => {
      let bytes = 0;
      for (;;) {
        const [data, error, partial] = await kept.idle.receive(262_144);
        bytes += (data ?? partial ?? '').length;
        if (error !== null) return { bytes, error };
      }
    });
    expect(rest).toEqual({ bytes: size, error: 'closed' });
  } finally {
    await peer.close();
  }
});

test('a peer that does not read stops the page that sends', { tag: '@timed' }, async ({ tab, luaServer }) => {
  const size = 64 * 1024 * 1024;
  const got = await tab.run(
    async (socket, given) => {
      const [c] = await socket.try(socket.connect('127.0.0.1', given.port));
      await socket.try(c.send('silent\n'));
      c.settimeout(1);
      const [index, error, last] = await c.send('x'.repeat(given.size));
      const [, writable, nothing] = await socket.select(null, [c], 0);
      await c.close();
      return { index, error, last: last ?? 0, writable: writable.length, nothing };
    },
    { port: luaServer.port, size },
  );
  expect(got).toMatchObject({ index: null, error: 'timeout', writable: 0, nothing: 'timeout' });
  expect(got.last).toBeGreaterThan(0);
  expect(got.last).toBeLessThan(size / 2);
});

test('1,024 sockets, and not one more until one is closed', async ({ tab }) => {
  const got = await tab.run(async (socket) => {
    const all: TcpSocket[] = [];
    let [next, refusal] = socket.tcp();
    for (; next !== null; [next, refusal] = socket.tcp()) all.push(next);
    const descriptors = [all[0]?.getfd(), all.at(-1)?.getfd()];
    await all[100]?.close();
    const [another] = await socket.try(socket.tcp());
    return { count: all.length, refusal, descriptors, another: another.getfd() };
  });
  expect(got).toEqual({ count: 1024, refusal: 'Too many open files', descriptors: [3, 1026], another: 103 });
});

interface Fountain {
  readonly port: number;
  /** Bytes that the kernel has taken from it. */
  taken(): number;
  close(): Promise<void>;
}

/** A server that sends its one visitor as much as it takes, up to `size` zeros, and closes. */
async function startFountain(size: number): Promise<Fountain> {
  const chunk = Buffer.alloc(262_144, '0');
  let visitor: Socket | undefined;
  const server = createServer((socket) => {
    visitor = socket;
    socket.on('error', () => {}); // a visitor that leaves early
    const chunks = function* (): Generator<Buffer> {
      for (let left = size; left > 0; left -= chunk.length) yield chunk;
    };
    Readable.from(chunks()).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : 0,
    taken: () => (visitor === undefined ? 0 : visitor.bytesWritten - visitor.writableLength),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        visitor?.destroy();
      }),
  };
}
