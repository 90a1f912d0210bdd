/** Public mode through the client: the words that LuaSocket has for a refusal. */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createRelay } from 'luasocket-relay';
import { connect, type SocketNamespace } from 'luasocket-web';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { startBackend } from '../fixtures/tickets.ts';

/** A namespace with a session of a public relay. */
async function connectPublic(net: object): Promise<SocketNamespace> {
  const backend = startBackend();
  const relay = await createRelay({
    listen: '127.0.0.1:0',
    mode: 'public',
    origins: ['https://game.example'],
    allowNoOrigin: true,
    ticketKeys: [backend.publicKey],
    log: 'silent',
  });
  onTestFinished(() => relay.close());
  const ticket = backend.ticket({ net });
  const socket = await connect(relay.address.url, { ticket, WebSocket: WebSocket as never });
  onTestFinished(() => socket.relay.close());
  return socket;
}

test('a destination that is not granted is "permission denied"; one that is, works', async () => {
  const server = createServer((far) => far.on('error', () => {}).end('hello\n')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  const { port } = server.address() as { port: number };
  const socket = await connectPublic({ tcp: [`127.0.0.1:${port}`] });
  expect(await socket.connect('10.0.0.1', 80)).toEqual([null, 'permission denied']);
  expect(await socket.connect('127.1', port)).toEqual([null, 'permission denied']);
  expect(await socket.connect('localhost', port)).toEqual([null, 'permission denied']);
  expect(await socket.bind('*', 0)).toEqual([null, 'permission denied']);
  expect(await socket.dns.toip('localhost')).toEqual([null, 'permission denied']);
  expect(await socket.dns.gethostname()).toEqual(['relay']);
  const [client] = await socket.connect('127.0.0.1', port);
  expect((await client?.receive('*l'))?.[0]).toBe('hello');
});

test('one peer too many is "refused"', async () => {
  const peer = createSocket('udp4');
  peer.bind(0, '127.0.0.1');
  await once(peer, 'listening');
  onTestFinished(() => new Promise<void>((done) => peer.close(() => done())));
  const socket = await connectPublic({ udp: ['127.0.0.0/8:*'] });
  const udp = socket.udp()[0];
  if (!udp) throw new Error('no socket');
  const results = [];
  for (let i = 1; i <= 17; i++) results.push(await udp.sendto('x', `127.0.0.${i}`, peer.address().port));
  expect(results.slice(0, 16).every(([sent]) => sent === 1)).toBe(true);
  expect(results[16]).toEqual([null, 'refused']);
});
