/** A session with many sockets ends: they are closed in turns, and nothing that comes in between is forgotten. */
import { connect, type Socket } from 'node:net';
import { unpackEndpoint } from '@luasocket-web/shared/address';
import { KIND } from '@luasocket-web/shared/frames';
import { expect, it } from 'vitest';
import { RawClient } from './support/client.ts';
import { startPeer, startRelay, until } from './support/relay.ts';

const SOCKETS = 900;
const loopback = (port: number) => ({ family: 4, address: '127.0.0.1', port }) as const;

it('connections that arrive while its sockets are being closed are closed, too', async () => {
  const relay = await startRelay();
  const client = await RawClient.connect(relay);
  const far = await startPeer();
  for (let socket = 1; socket <= SOCKETS; socket++) {
    client.send({ type: 'open', socket, kind: KIND.tcp, family: 4 });
    await client.ask((request) => ({ type: 'connect', request, socket, target: loopback(far.port) }));
    await client.next('connected');
  }
  // The last to be closed.
  const listener = SOCKETS + 1;
  client.send({ type: 'open', socket: listener, kind: KIND.tcp, family: 4 });
  await client.ask((request) => ({ type: 'bind', request, socket: listener, target: loopback(0) }));
  await client.ask((request) => ({ type: 'listen', request, socket: listener, backlog: 100 }));
  const name = await client.ask((request) => ({ type: 'getsockname', request, socket: listener }));
  const { port } = unpackEndpoint(name as Uint8Array);
  client.ws.close(1000);
  const callers: Socket[] = [];
  let closed = 0;
  const left: number[] = [];
  while (relay.stats.sessions > 0) {
    const { sockets } = relay.stats;
    if (sockets <= SOCKETS) left.push(sockets);
    for (let i = 0; left.length > 0 && i < 5; i++) {
      const caller = connect(port, '127.0.0.1').resume();
      callers.push(caller.on('error', () => {}).on('close', () => closed++));
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => closed === callers.length);
  expect(callers.length).toBeGreaterThan(0);
  // Those that were not closed yet were counted.
  expect(left.length).toBeGreaterThan(0);
  expect(Math.min(...left)).toBeGreaterThan(0);
  expect(relay.stats.sockets).toBe(0);
});
