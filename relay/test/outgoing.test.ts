/** Messages written straight to a WebSocket's connection: a real client reads them, at every length of the header. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { DATA_HEADER } from '@luasocket-web/shared/codec';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { HEADER_BYTES, Outgoing } from '../src/session/outgoing.ts';
import { HEADROOM } from '../src/sockets/read-buffers.ts';

interface Pair {
  readonly server: WebSocket;
  readonly stream: Duplex;
  readonly client: WebSocket;
}

async function connected(): Promise<Pair> {
  const listener = new WebSocketServer({ port: 0, host: '127.0.0.1', maxPayload: 2 ** 22 });
  await once(listener, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(listener.address() as AddressInfo).port}/`);
  const [server, request] = (await once(listener, 'connection')) as [WebSocket, { socket: Duplex }];
  if (client.readyState !== WebSocket.OPEN) await once(client, 'open');
  onTestFinished(() => {
    client.terminate();
    listener.close();
  });
  return { server, stream: request.socket, client };
}

const filled = (length: number, seed: number) => new Uint8Array(length).map((_, i) => i * 31 + seed);

test.each([1, 125, 126, 127, 65_535, 65_536, 256 * 1024])(
  'a frame of %d bytes, copied and in place',
  async (length) => {
    const { stream, client } = await connected();
    const received: Buffer[] = [];
    client.on('message', (message) => received.push(message as Buffer));
    const out = new Outgoing(stream);
    const room = new Uint8Array(HEADER_BYTES + length + 5).fill(7);
    room.set(filled(length, 1), HEADER_BYTES);
    out.add(room.subarray(HEADER_BYTES, HEADER_BYTES + length), true);
    out.flush();
    const lonely = filled(length, 2);
    out.add(lonely, false);
    out.flush();
    out.flush();
    while (received.length < 2) await once(client, 'message');
    expect(received.map((message) => Buffer.compare(message, filled(length, received.indexOf(message) + 1)))).toEqual([
      0, 0,
    ]);
    // What is not ours was left alone.
    expect(lonely).toEqual(filled(length, 2));
    expect(room.subarray(HEADER_BYTES + length)).toEqual(new Uint8Array(5).fill(7));
  },
);

test('frames are gathered in order, and mix with what ws writes itself', async () => {
  const { server, stream, client } = await connected();
  const events: string[] = [];
  client.on('message', (message) => events.push((message as Buffer).toString('latin1')));
  client.on('ping', (data) => events.push(`ping ${data.toString('latin1')}`));
  const out = new Outgoing(stream);
  const room = Buffer.from(`${' '.repeat(HEADER_BYTES)}one`);
  out.add(room.subarray(HEADER_BYTES), true);
  out.add(Buffer.from('two'), false);
  expect([out.size, out.fits(256 * 1024 - 6), out.fits(256 * 1024 - 5)]).toEqual([6, true, false]);
  server.ping('1');
  out.flush();
  server.ping('2');
  out.add(Buffer.from('three'), false);
  out.clear();
  out.add(Buffer.from('four'), false);
  out.flush();
  server.close(1000);
  const [code] = await once(client, 'close');
  expect([...events, code]).toEqual(['ping 1', 'onetwo', 'ping 2', 'four', 1000]);
});

test('tells what waits, and when all of it is taken', async () => {
  const { stream, client } = await connected();
  const out = new Outgoing(stream);
  const drained = new Promise<void>((resolve) => out.onDrained(resolve));
  client.pause();
  while (out.waiting < 2 ** 20) {
    out.add(new Uint8Array(256 * 1024), false);
    out.flush();
  }
  client.resume();
  await drained;
  expect(out.waiting).toBe(0);
});

test('payloads that were read have room for both headers', () => {
  expect(HEADROOM).toBeGreaterThanOrEqual(HEADER_BYTES + DATA_HEADER);
});
