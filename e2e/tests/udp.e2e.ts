/** Datagrams: to a real LuaSocket program, and among a crowd (multicast, broadcast) where the kernel has one on its loopback. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { UdpSocket } from 'luasocket-web';
import { BROADCAST, GROUP, needsDelivery } from '../fixtures/kernel.ts';
import { expect, test } from '../fixtures/test.ts';

for (const address of ['127.0.0.1', '::1'] as const) {
  test(`datagrams to ${address} keep their bounds, empty ones too`, async ({ tab, luaServer }) => {
    const port = address === '::1' ? luaServer.udpPort6 : luaServer.udpPort;
    const got = await tab.run(
      async (socket, [host, at]) => {
        const [u] = await socket.try(host === '::1' ? socket.udp6() : socket.udp());
        const sizes = [0, 1, 100, 8192];
        const sent: unknown[] = [];
        const back: unknown[] = [];
        for (const size of sizes) {
          sent.push(await u.sendto('d'.repeat(size), host, at));
          const [data, from, fromPort] = await u.receivefrom();
          back.push([data === 'd'.repeat(size), from, fromPort]);
        }
        await socket.try(u.setpeername(host, at));
        sent.push(await u.send('0123456789'));
        back.push([await u.receive(4)]);
        await u.send('next');
        back.push([await u.receive()]);
        u.settimeout(0.05);
        back.push([await u.receive()]);
        await u.close();
        return { sent, back };
      },
      [address, port] as const,
    );
    expect(got.sent).toEqual([[0], [1], [100], [8192], [10]]);
    expect(got.back).toEqual([...Array(4).fill([true, address, port]), [['0123']], [['next']], [[null, 'timeout']]]);
  });
}

test('a connected socket is told that nobody is there', async ({ tab }) => {
  const got = await tab.run(async (socket) => {
    const [gone] = await socket.try(socket.udp());
    await socket.try(gone.setsockname('127.0.0.1', 0));
    const [, port] = await gone.getsockname();
    await gone.close();
    const [u] = await socket.try(socket.udp());
    await socket.try(u.setpeername('127.0.0.1', port));
    u.settimeout(20);
    const answers = [await u.send('anyone?'), await u.receive()];
    answers.push(await u.setpeername('*'));
    await u.close();
    return answers;
  });
  expect(got).toEqual([[7], [null, 'connection refused'], [1]]);
});

test('a tab serves datagrams to a native program', async ({ tab }) => {
  const bound = await tab.run(async (socket, _, kept: { u?: UdpSocket }) => {
    const [u] = await socket.try(socket.udp());
    await socket.try(u.setsockname('*', 0));
    kept.u = u;
    return u.getsockname();
  });
  expect(bound).toEqual(['0.0.0.0', expect.any(String), 'inet']);
  const native = createSocket('udp4');
  try {
    const served = tab.run(async (_, rounds, kept: { u?: UdpSocket }) => {
      for (let round = 0; round < rounds; round++) {
        const [data, ip, port] = (await kept.u?.receivefrom()) ?? [null];
        if (data === null || ip === undefined || port === undefined) return 'failed';
        await kept.u?.sendto(`${data} from ${ip}:${port}`, ip, port);
      }
      return (await kept.u?.close())?.[0];
    }, 3);
    for (const word of ['one', '', 'three']) {
      native.send(word, Number(bound[1]), '127.0.0.1');
      const [answer] = (await once(native, 'message')) as [Buffer];
      expect(String(answer)).toBe(`${word} from 127.0.0.1:${native.address().port}`);
    }
    expect(await served).toBe(1);
  } finally {
    native.close();
  }
});

test('a socket that nobody reads keeps a buffer’s worth of datagrams, the first ones', async ({ tab }) => {
  const [sent, size] = [1000, 1000];
  const port = await tab.run(async (socket, _, kept: { u: UdpSocket }) => {
    [kept.u] = await socket.try(socket.udp());
    await socket.try(kept.u.setsockname('127.0.0.1', 0));
    return Number((await kept.u.getsockname())[1]);
  });
  const native = createSocket('udp4');
  try {
    for (let index = 0; index < sent; index++) {
      await new Promise((resolve) => native.send(`${index} `.padEnd(size, '.'), port, '127.0.0.1', resolve));
    }
    const got = await tab.run(async (_socket, _, kept: { u: UdpSocket }) => {
      const indices: number[] = [];
      kept.u.settimeout(0);
      for (let [data] = await kept.u.receive(); data !== null; [data] = await kept.u.receive()) {
        indices.push(Number.parseInt(data, 10));
      }
      await kept.u.close();
      return indices;
    });
    expect(got.length).toBeGreaterThan(50);
    // The queue on our way, and what the kernel still had when the page began to read.
    expect(got.length).toBeLessThanOrEqual((2 * 212_992) / size);
    expect(got[0]).toBe(0);
    expect(got).toEqual([...got].sort((a, b) => a - b)); // with gaps where this machine's kernel dropped some, too
  } finally {
    native.close();
  }
});

test('multicast, both ways', async ({ tab, lua }) => {
  await needsDelivery(GROUP);
  const crowd = await lua('crowd', 'multicast', GROUP);
  const [, port] = await crowd.says(/^ready (\d+)\n/);
  const got = await tab.run(
    async (socket, { group, at }) => {
      const [u] = await socket.try(socket.udp());
      const membership = { multiaddr: group, interface: '127.0.0.1' };
      const set = [
        await u.setoption('reuseaddr', true),
        await u.setsockname('*', 0),
        await u.setoption('ip-add-membership', membership),
        await u.setoption('ip-add-membership', membership),
        await u.setoption('ip-multicast-if', '127.0.0.1'),
        await u.getoption('ip-multicast-if'),
        await u.setoption('ip-multicast-ttl', 1),
        await u.setoption('ip-multicast-loop', true),
        await u.getoption('ip-multicast-loop'),
      ];
      const [, own] = await u.getsockname();
      u.settimeout(30);
      const sent = await u.sendto(`ping ${own}`, group, at);
      const heard = await u.receivefrom();
      set.push(await u.setoption('ip-drop-membership', membership));
      await u.close();
      return { set, sent, heard };
    },
    { group: GROUP, at: Number(port) },
  );
  expect(got.set).toEqual([[1], [1], [1], [null, 'setsockopt failed'], [1], ['127.0.0.1'], [1], [1], [true], [1]]);
  expect(got.heard).toEqual(['pong', '127.0.0.1', Number(port)]);
  await crowd.says(/heard ping \d+ from 127\.0\.0\.1\ndone/);
});

test('broadcast, both ways, and only with the option', async ({ tab, lua }) => {
  await needsDelivery(BROADCAST);
  const crowd = await lua('crowd', 'broadcast', BROADCAST);
  const [, port] = await crowd.says(/^ready (\d+)\n/);
  const got = await tab.run(
    async (socket, { everyone, at }) => {
      const [u] = await socket.try(socket.udp());
      await socket.try(u.setsockname('*', 0));
      const [, own] = await u.getsockname();
      const refused = await u.sendto('ping', everyone, at);
      const allowed = await u.setoption('broadcast', true);
      u.settimeout(30);
      const sent = await u.sendto(`ping ${own}`, everyone, at);
      const heard = await u.receivefrom();
      await u.close();
      return { refused, allowed, sent: sent[0] === `ping ${own}`.length, heard };
    },
    { everyone: BROADCAST, at: Number(port) },
  );
  expect(got).toEqual({
    refused: [null, 'permission denied'],
    allowed: [1],
    sent: true,
    heard: ['pong', '127.0.0.1', Number(port)],
  });
  await crowd.says(/heard ping \d+ from 127\.0\.0\.1\ndone/);
});
