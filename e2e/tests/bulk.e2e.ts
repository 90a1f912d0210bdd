/** Much data and many sockets, byte for byte, with a real LuaSocket program at the other end. */
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

test('a socket that nobody reads stops its peer, and nobody else', async ({ tab, luaServer }) => {
  const got = await tab.run(
    async (socket, { port, path }) => {
      const [idle] = await socket.try(socket.connect('127.0.0.1', port));
      await socket.try(idle.send(`send ${path}\n`));
      await socket.try(socket.select([idle], null));
      const [c] = await socket.try(socket.connect('127.0.0.1', port));
      await socket.try(c.send('lines\n'));
      let right = 0;
      for (let n = 1; n <= 50; n++) {
        await socket.try(c.send(`line ${n}\n`));
        if ((await c.receive())[0] === `${n}: line ${n}`) right++;
      }
      await c.close();
      const unread = socket.relay.stats.bytesReceived;
      await idle.close();
      return { right, unread };
    },
    { port: luaServer.port, path: luaServer.noise.path },
  );
  expect(got.right).toBe(50);
  // What came stays within the first pool of 1 MiB and its growth, far from all of it.
  expect(got.unread).toBeLessThan(luaServer.noise.size / 2);
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
