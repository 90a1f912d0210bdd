/** What a program sees while the WebSocket is lost, and when it is lost for good. The relay is real, the network bad. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { connect, type SocketNamespace } from 'luasocket-web';
import { expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import { type Cuttable, startCuttable } from '../fixtures/cuttable.ts';
import { pattern, portOf, startRelay } from './helpers.ts';

type State = SocketNamespace['relay']['state'];
type Namespace = SocketNamespace<'async', string>;

async function begin(config: Parameters<typeof startRelay>[0] = {}) {
  const relay = await startRelay(config);
  const proxy = await startCuttable(relay.address.port);
  onTestFinished(() => proxy.close());
  const socket: Namespace = await connect(proxy.endpoint, { WebSocket, strings: 'binary' });
  onTestFinished(() => socket.relay.close());
  const states: State[] = [];
  socket.relay.on('state', (state) => states.push(state));
  return { relay, proxy, socket, states };
}

/** A peer that does what `serve` says; the client's end of a connection to it, and its own. */
async function joined(socket: Namespace, serve: (peer: Socket) => void) {
  const server = createServer((peer) => {
    peer.on('error', () => {});
    serve(peer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const arrived = once(server, 'connection');
  const [client] = await socket.try(socket.connect('127.0.0.1', portOf(server)));
  const [peer] = (await arrived) as [Socket];
  onTestFinished(() => void peer.destroy());
  return { client, peer, port: portOf(server) };
}

function reached(socket: Namespace, wanted: State): Promise<void> {
  return new Promise((resolve) => {
    if (socket.relay.state === wanted) resolve();
    socket.relay.on('state', (state) => state === wanted && resolve());
  });
}

/** Results of a call without the nils at their end, which mean nothing. */
async function some(answer: Promise<readonly unknown[]>): Promise<unknown[]> {
  const results = [...(await answer)];
  while (results.at(-1) === null || results.at(-1) === '') results.pop();
  return results;
}

/** Cuts the connection, and lets no other come about until told. */
async function lose(proxy: Cuttable, socket: Namespace): Promise<void> {
  const lost = reached(socket, 'reconnecting');
  proxy.lead(null);
  proxy.cut();
  await lost;
}

test('in the gap calls answer within their time limits; what was taken for sent arrives', async () => {
  const { relay, proxy, socket } = await begin();
  const { client, port } = await joined(socket, (peer) => peer.pipe(peer));
  await client.send('abc');
  await socket.select([client], null, 20);
  const [server] = await socket.try(socket.bind('127.0.0.1', 0));
  const fresh = (await socket.tcp())[0];
  const stranger = (await socket.udp())[0];
  if (!fresh || !stranger) throw new Error('no socket');
  await lose(proxy, socket);

  for (const each of [client, server, fresh]) each.settimeout(0);
  expect(await some(client.receive(2))).toEqual(['ab']);
  expect(await some(client.receive(2))).toEqual([null, 'timeout', 'c']);
  expect(await some(server.accept())).toEqual([null, 'timeout']);
  expect(await some(fresh.connect('127.0.0.1', port))).toEqual([null, 'timeout']);
  expect(await some(socket.select([client], null, 0))).toEqual([[], [], 'timeout']);
  expect(await some(stranger.sendto('x', '127.0.0.1', port))).toEqual([1]);
  client.settimeout(0.05);
  expect(await some(client.receive(1))).toEqual([null, 'timeout']);
  // The window takes what it has room for.
  const data = pattern(4 * 1024 * 1024);
  const [all, why, taken] = await client.send(data);
  expect([all, why]).toEqual([null, 'timeout']);
  const sent = Number(taken);
  expect(sent).toBeGreaterThan(256 * 1024);
  expect(sent).toBeLessThan(data.length);
  // None of this waited for the resume.
  expect(socket.relay.state).toBe('reconnecting');

  const resumed = reached(socket, 'connected');
  proxy.lead(relay.address.port);
  await resumed;
  client.settimeout();
  const [back] = await client.receive(sent);
  expect(back === Buffer.from(data.subarray(0, sent)).toString('latin1')).toBe(true);
  await socket.select(null, [fresh], 20);
  expect((await fresh.getpeername()).slice(0, 2)).toEqual(['127.0.0.1', port]);
});

test('a call that waits in the gap goes on where it was', async () => {
  const { relay, proxy, socket } = await begin();
  const { client, peer } = await joined(socket, () => {});
  await lose(proxy, socket);
  const line = client.receive('*l');
  peer.write('from the gap\n');
  proxy.lead(relay.address.port);
  expect(await some(line)).toEqual(['from the gap']);
});

test('another relay at the same address: the session is lost at once, not after resumeSeconds', async () => {
  // Far longer than a test may take.
  const { proxy, socket, states } = await begin({ limits: { resumeSeconds: 120 } });
  const heir = await startRelay({ limits: { resumeSeconds: 120 } });
  const { client } = await joined(socket, (peer) => peer.pipe(peer));
  await client.send('unread');
  await socket.select([client], null, 20);
  const lost = reached(socket, 'lost');
  const waiting = socket.dns.gethostname();
  proxy.lead(heir.address.port);
  proxy.cut();
  await lost;
  expect(states).toEqual(['reconnecting', 'lost']);
  expect(heir.stats.sessions).toBe(0);
  // What had come is still there, then all is closed.
  expect(await some(client.receive(6))).toEqual(['unread']);
  expect(await some(client.receive(1))).toEqual([null, 'closed']);
  expect(await some(client.send('x'))).toEqual([null, 'closed', 0]);
  await waiting;
});

test('after resumeSeconds sockets are released, and the client knows that it has lost them', async () => {
  const { relay, proxy, socket, states } = await begin({ limits: { resumeSeconds: 1 } });
  const { client, peer } = await joined(socket, () => {});
  await socket.try(socket.bind('127.0.0.1', 0));
  expect(relay.stats).toMatchObject({ sessions: 1, sockets: 2 });
  peer.resume();
  const ended = once(peer, 'end');
  const waiting = client.receive();
  const lost = reached(socket, 'lost');
  await lose(proxy, socket);
  await lost;
  await ended;
  expect(await some(waiting)).toEqual([null, 'closed']);
  expect(states).toEqual(['reconnecting', 'lost']);
  while (relay.stats.sessions > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(relay.stats).toEqual({ sessions: 0, sockets: 0, keptBytes: 0 });
  // The network is good again, and it makes no difference.
  proxy.lead(relay.address.port);
  expect((await socket.connect('127.0.0.1', 9))[0]).toBeNull();
});
