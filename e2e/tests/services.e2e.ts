/** A page speaks raw protocols to real services: RESP to redis-server, HTTP/1.1 to nginx, DNS over UDP to dnsmasq. */
import type { SocketNamespace, UdpSocket } from 'luasocket-web';
import { DNS_RECORDS, NGINX_BODY } from '../fixtures/peers.ts';
import { startRelay } from '../fixtures/relay.ts';
import { expect, test } from '../fixtures/test.ts';

test('RESP to redis: simple, integer, bulk, array, error, a pipeline', async ({ tab, redis }) => {
  const got = await tab.run(async (socket, port) => {
    const [c] = await socket.try(socket.connect('127.0.0.1', port));
    const encoder = new TextEncoder();
    const command = (...words: string[]): string =>
      `*${words.length}\r\n${words.map((word) => `$${encoder.encode(word).length}\r\n${word}\r\n`).join('')}`;
    const reply = async (): Promise<unknown> => {
      const [line] = await socket.try(c.receive('*l'));
      const rest = line.slice(1);
      if (line[0] === ':') return Number(rest);
      if (line[0] === '$') {
        if (rest === '-1') return null;
        const [bulk] = await socket.try(c.receive(Number(rest)));
        await socket.try(c.receive(2));
        return bulk;
      }
      if (line[0] === '*') {
        const items: unknown[] = [];
        for (let left = Number(rest); left > 0; left--) items.push(await reply());
        return items;
      }
      return line;
    };
    const ask = async (...words: string[]): Promise<unknown> => {
      await socket.try(c.send(command(...words)));
      return reply();
    };
    const answers = [
      await ask('PING'),
      await ask('SET', 'key', 'line one\r\nline two, größer'),
      await ask('GET', 'key'),
      await ask('GET', 'nothing'),
      await ask('RPUSH', 'list', 'a', 'bb', ''),
      await ask('LRANGE', 'list', '0', '-1'),
      await ask('LPOP', 'key'),
    ];
    const many = 500;
    await socket.try(c.send(command('INCR', 'counter').repeat(many)));
    let last: unknown;
    for (let left = many; left > 0; left--) last = await reply();
    await c.close();
    return { answers, last };
  }, redis.port);
  expect(got).toEqual({
    answers: [
      '+PONG',
      '+OK',
      'line one\r\nline two, größer',
      null,
      3,
      ['a', 'bb', ''],
      '-WRONGTYPE Operation against a key holding the wrong kind of value',
    ],
    last: 500,
  });
});

test('HTTP/1.1 to nginx over one kept connection, and until it closes', async ({ tab, nginx }) => {
  const got = await tab.run(async (socket, port) => {
    const [c] = await socket.try(socket.connect('127.0.0.1', port));
    const get = async (path: string, connection: string): Promise<{ status: string; headers: Map<string, string> }> => {
      await socket.try(c.send(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: ${connection}\r\n\r\n`));
      const [status] = await socket.try(c.receive());
      const headers = new Map<string, string>();
      for (let [line] = await socket.try(c.receive()); line !== ''; [line] = await socket.try(c.receive())) {
        const colon = line.indexOf(':');
        headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
      }
      return { status, headers };
    };
    const first = await get('/hello.txt', 'keep-alive');
    const [body] = await socket.try(c.receive(Number(first.headers.get('content-length'))));
    const missing = await get('/none', 'keep-alive');
    await socket.try(c.receive(Number(missing.headers.get('content-length'))));
    const last = await get('/hello.txt', 'close');
    const [again] = await socket.try(c.receive('*a'));
    const end = await c.receive();
    return {
      status: [first.status, missing.status, last.status],
      type: first.headers.get('content-type'),
      body,
      same: body === again,
      end,
    };
  }, nginx.port);
  expect(got).toEqual({
    status: ['HTTP/1.1 200 OK', 'HTTP/1.1 404 Not Found', 'HTTP/1.1 200 OK'],
    type: 'text/plain',
    body: NGINX_BODY,
    same: true,
    end: [null, 'closed', ''],
  });
});

test('a DNS query over UDP to dnsmasq, unconnected and connected', async ({ bareTab: tab, relay, dnsmasq }) => {
  await tab.connect(relay.endpoint, { strings: 'bytes' });
  const got = await tab.run(
    async (socket: SocketNamespace<'async', Uint8Array>, { port, name }) => {
      // RFC 1035, 4.1: header (id, RD, one question), then the question: name, type, class IN.
      const query = (id: number, type: number): Uint8Array => {
        const labels = name.split('.').flatMap((label) => [label.length, ...new TextEncoder().encode(label)]);
        return Uint8Array.of(id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, type, 0, 1);
      };
      const read = (packet: Uint8Array) => ({
        id: (packet[0] ?? 0) * 256 + (packet[1] ?? 0),
        response: (packet[2] ?? 0) >> 7,
        code: (packet[3] ?? 0) & 15,
        answers: (packet[6] ?? 0) * 256 + (packet[7] ?? 0),
      });
      const [u] = socket.udp() as [UdpSocket<'async', Uint8Array>];
      const size = await u.sendto(query(0x1234, 1), '127.0.0.1', port);
      const [packet, address, from] = await u.receivefrom();
      if (packet === null) throw new Error(address);
      const unconnected = { size, ...read(packet), ip: Array.from(packet.subarray(-4)).join('.'), address, from };

      const peered = [await u.setpeername('127.0.0.1', port), u.class, await u.getpeername()];
      const sent = await u.send(query(0x4321, 28));
      const [second] = await u.receive();
      if (second === null) throw new Error('nothing came');
      const connected = { peered, sent, ...read(second), ip: Array.from(second.subarray(-16)) };
      await u.close();
      return { unconnected, connected };
    },
    { port: dnsmasq.port, name: DNS_RECORDS.far },
  );
  const size = 12 + DNS_RECORDS.far.length + 2 + 4;
  expect(got).toEqual({
    unconnected: {
      size: [size],
      id: 0x1234,
      response: 1,
      code: 0,
      answers: 1,
      ip: DNS_RECORDS.farIpv4,
      address: '127.0.0.1',
      from: dnsmasq.port,
    },
    connected: {
      peered: [[1], 'udp{connected}', ['127.0.0.1', dnsmasq.port, 'inet']],
      sent: [size],
      id: 0x4321,
      response: 1,
      code: 0,
      answers: 1,
      ip: [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7],
    },
  });
  expect(tab.troubles).toEqual([]);
});

test('names are looked up by the DNS server that the relay is told to ask', async ({
  bareTab: tab,
  dnsmasq,
  luaServer,
}) => {
  const relay = await startRelay({ dnsServer: [`127.0.0.1:${dnsmasq.port}`] });
  try {
    await tab.connect(relay.endpoint);
    const got = await tab.run(
      async (socket, { port, host, far }) => {
        const [c] = await socket.try(socket.connect(host, port));
        await c.send('lines\nhere\n');
        const answers = [
          await c.receive(),
          (await c.getpeername()).slice(0, 1),
          (await socket.dns.toip(host)).slice(0, 1),
          await socket.dns.getaddrinfo(far),
          await socket.dns.toip('missing.test'),
          await socket.connect('missing.test', port),
        ];
        await c.close();
        return answers;
      },
      { port: luaServer.port, host: DNS_RECORDS.host, far: DNS_RECORDS.far },
    );
    expect(got).toEqual([
      ['1: here', null, null],
      ['127.0.0.1'],
      ['127.0.0.1'],
      [
        expect.arrayContaining([
          { family: 'inet', addr: DNS_RECORDS.farIpv4 },
          { family: 'inet6', addr: DNS_RECORDS.farIpv6 },
        ]),
      ],
      [null, 'host not found'],
      [null, 'host or service not provided, or not known'],
    ]);
  } finally {
    await relay.close();
  }
});

test('the clock and the names of the relay’s own machine', async ({ tab }) => {
  const before = Date.now() / 1000;
  const got = await tab.run(async (socket) => {
    const first = socket.gettime();
    await socket.sleep(0.02);
    return {
      first,
      slept: socket.gettime() - first,
      localhost: (await socket.dns.toip('localhost'))[0],
      loopback: (await socket.dns.tohostname('127.0.0.1'))[0],
      host: typeof (await socket.dns.gethostname())[0],
    };
  });
  expect(Math.abs(got.first - before)).toBeLessThan(60);
  // Also where the estimate of the clock was corrected meanwhile. Doubles of seconds since 1970 end before the microsecond.
  expect(got.slept).toBeGreaterThanOrEqual(0.02 - 1e-6);
  expect(got).toMatchObject({
    localhost: '127.0.0.1',
    loopback: expect.any(String),
    host: 'string',
  });
});
