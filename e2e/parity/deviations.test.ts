/** docs/deviations.md, entry by entry: what we do otherwise than LuaSocket, and mean to. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createRelay, type Relay } from 'luasocket-relay';
import { connect, type SocketNamespace, type TcpSocket, type UdpSocket } from 'luasocket-web';
import { expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import { startNameServer } from '../../relay/test/support/name-server.ts';

async function open(dnsServer = '127.0.0.1:9'): Promise<SocketNamespace> {
  const relay: Relay = await createRelay({
    listen: '127.0.0.1:0',
    mode: 'development',
    dnsServer: [dnsServer],
    log: 'silent',
  });
  onTestFinished(() => relay.close());
  return connect(relay.address.url, { WebSocket });
}

function must<T>([value, error]: readonly [T | null, unknown?, ...unknown[]]): T {
  if (value === null) throw new Error(String(error));
  return value;
}

/** A connection to a server of the same session: both ends. */
async function pair(socket: SocketNamespace): Promise<[client: TcpSocket, accepted: TcpSocket]> {
  const server = must<TcpSocket>(await socket.bind('127.0.0.1', 0));
  const [, port] = await server.getsockname();
  const client = must<TcpSocket>(await socket.connect('127.0.0.1', String(port)));
  return [client, must<TcpSocket>(await server.accept())];
}

// LuaSocket would wait for a minute, longer than a test may take, and the peer, in the same program, could not read.
test('1. close never waits, whatever linger says, and what was sent is delivered', async () => {
  const socket = await open();
  const [client, peer] = await pair(socket);
  client.settimeout(0);
  const [, reason, sent] = await client.send('x'.repeat(32 * 1024 * 1024));
  expect(reason).toBe('timeout');
  expect(await client.setoption('linger', { on: true, timeout: 60 })).toEqual([1]);
  expect(await client.close()).toEqual([1]);
  const [data] = await peer.receive('*a');
  expect(data?.length).toBe(sent);
});

test('2. an object that nobody holds any more stays open', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const socket = await open();
  const { held, dropped } = await (async () => {
    const [client, accepted] = await pair(socket);
    return { held: accepted, dropped: new WeakRef(client) };
  })();
  // A WeakRef keeps its object until the turn of the event loop is over.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  await new Promise((resolve) => setImmediate(resolve));
  held.settimeout(0);
  expect(await held.receive()).toEqual([null, 'timeout', '']);
  // Whether it was collected or not: nothing was closed.
  expect(dropped.deref()?.getfd()).not.toBe(-1);
});

test('3. descriptors are those of the session alone, 1024 at most', async () => {
  const socket = await open();
  const first = must(socket.tcp());
  expect(first.getfd()).toBe(3);
  // Standard output, to LuaSocket.
  first.setfd(1);
  expect(await first.getsockname()).toEqual([null, 'Bad file descriptor']);
  first.setfd(3);
  for (let count = 2; count <= 1024; count++) expect(must(socket.udp()).getfd()).toBe(count + 2);
  expect(socket.tcp()).toEqual([null, 'Too many open files']);
});

// LuaSocket answers [null, 'closed', 8192].
test('4. a send to a peer that has closed succeeds as a whole, and the next one fails', async () => {
  const socket = await open();
  const [client, peer] = await pair(socket);
  await peer.close();
  expect(await client.receive()).toEqual([null, 'closed', '']);
  const reset = new Promise<void>((resolve) => {
    socket.relay.on('frame', ({ direction, frame }) => {
      if (direction === 'received' && frame.type === 'error') resolve();
    });
  });
  expect(await client.send('x'.repeat(30_000))).toEqual([30_000, null, null]);
  await reset;
  expect(await client.send('x')).toEqual([null, 'closed', 0]);
});

test('4. a datagram does not see the refusal of the one before it, until it has arrived', async () => {
  const socket = await open();
  const gone = must<UdpSocket>(socket.udp());
  await gone.setsockname('127.0.0.1', 0);
  const [, port] = await gone.getsockname();
  await gone.close();
  const client = must<UdpSocket>(socket.udp());
  await client.setpeername('127.0.0.1', String(port));
  expect(await client.send('first')).toEqual([5]);
  // LuaSocket: nil, "connection refused".
  expect(await client.send('second')).toEqual([6]);
  client.settimeout(5);
  expect(await client.receive()).toEqual([null, 'connection refused']);
});

test('5. names come from name servers, and at most 8 addresses of each', async () => {
  const server = await startNameServer(({ name, type }) =>
    type === 'A' ? Array.from({ length: 12 }, (_, i) => ({ name, type: 'A', ttl: 0, data: `127.0.0.${i + 1}` })) : [],
  );
  const socket = await open(server.address);
  const addresses = must(await socket.dns.getaddrinfo('many.example'));
  expect(addresses).toHaveLength(8);
  expect(server.asked).toContain('A many.example');
});

test('what LuaSocket reads from memory that it has not set is something definite', async () => {
  const socket = await open();
  const datagrams = must(socket.udp());
  await datagrams.close();
  expect(await datagrams.receivefrom()).toEqual([null, 'ai_family not supported']);
  expect(socket.skip(-3, 'a', 'b')).toEqual([-3, 'a', 'b']);
  // Whether the relay's machine knows a name for it or not.
  const names = must<string[]>(await socket.dns.getnameinfo('::1'));
  expect(names).toHaveLength(1);
  expect(names[0]).toMatch(/^[\w.:-]+$/);
});
