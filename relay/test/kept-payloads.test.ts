/** Payloads that wait in the relay: the memory that they came in is not read into again, nor kept without need. */
import { randomFillSync } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Endpoint, unpackEndpoint } from '@luasocket-web/shared/address';
import { encodeFrame } from '@luasocket-web/shared/codec';
import { type Frame, KIND, USE } from '@luasocket-web/shared/frames';
import { MAX_DATA, POOL_MAX } from '@luasocket-web/shared/limits';
import type { Relay } from 'luasocket-relay';
import { describe, expect, onTestFinished, test } from 'vitest';
import { RawClient } from './support/client.ts';
import { startPeer, startRelay, until } from './support/relay.ts';
import { all, data, digest, loopback, stream } from './support/streams.ts';

/** Bytes that are in use, on the heap and in buffers. */
function used(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** One stream whose peer does not read, and one whose peer does, in turns. */
async function pressed(
  relay: Relay,
): Promise<{ client: RawClient; slow: Socket; sent: Buffer; quick: Promise<Buffer>; also: Buffer }> {
  const [lazy, eager] = [await startPeer(), await startPeer()];
  const client = await RawClient.connect(relay);
  const slow = await stream(client, 1, lazy);
  const quick = all(await stream(client, 2, eager));
  const sent = randomFillSync(Buffer.alloc(4.5 * 1024 * 1024));
  const also = randomFillSync(Buffer.alloc(1.5 * 1024 * 1024));
  let [at, beside] = [0, 0];
  for (let i = 0; at < sent.length; i++) {
    const size = [1, 130_000, 700, 90_000, 17_000, MAX_DATA, 33][i % 7] as number;
    const part = Math.ceil(size / 4);
    client.send(data(1, sent.subarray(at, at + size)));
    client.send(data(2, also.subarray(beside, beside + part)), { type: 'ping', token: i });
    at += size;
    beside += part;
    // Some of it in small reads, some in large ones.
    if (i % 3 === 0) await client.next('pong', ({ token }) => token === i);
  }
  for (; beside < also.length; beside += MAX_DATA) client.send(data(2, also.subarray(beside, beside + MAX_DATA)));
  await client.barrier();
  return { client, slow, sent, quick, also };
}

describe('what the kernel has not taken stays as it was', () => {
  test('for a peer that reads late', async () => {
    const relay = await startRelay({ limits: { upload: POOL_MAX } });
    const { client, slow, sent, quick, also } = await pressed(relay);
    client.send({ type: 'shutdown', socket: 1, how: 1 }, { type: 'shutdown', socket: 2, how: 1 });
    expect(digest(await quick)).toBe(digest(also));
    expect(digest(await all(slow))).toBe(digest(sent));
  });

  test('also when the socket has been closed, and other sockets go on', async () => {
    const relay = await startRelay({ limits: { upload: POOL_MAX } });
    const { client, slow, sent, quick, also } = await pressed(relay);
    client.send({ type: 'close', socket: 1, consumed: 0 });
    const more = randomFillSync(Buffer.alloc(1024 * 1024));
    for (let at = 0; at < more.length; at += 100_000) client.send(data(2, more.subarray(at, at + 100_000)));
    client.send({ type: 'shutdown', socket: 2, how: 1 });
    expect(digest(await quick)).toBe(digest(Buffer.concat([also, more])));
    expect(digest(await all(slow))).toBe(digest(sent));
  });

  test('also when the session has ended', async () => {
    const relay = await startRelay({ limits: { upload: POOL_MAX } });
    const { client, slow, sent } = await pressed(relay);
    client.ws.close(1000);
    await client.closed;
    expect(digest(await all(slow))).toBe(digest(sent));
  });

  test('many crumbs that wait cost little more than their bytes, and keep their order', async () => {
    const relay = await startRelay({ limits: { upload: POOL_MAX } });
    const client = await RawClient.connect(relay);
    const slow = await stream(client, 1, await startPeer());
    const full = randomFillSync(Buffer.alloc(6_000_000));
    for (let at = 0; at < full.length; at += 200_000) client.send(data(1, full.subarray(at, at + 200_000)));
    const crumbs = randomFillSync(Buffer.alloc(100_000));
    const frames = Array.from(crumbs, (_, i) => encodeFrame(data(1, crumbs.subarray(i, i + 1))));
    await client.barrier();
    const before = used();
    for (let at = 0; at < frames.length; at += 5000) client.raw(Buffer.concat(frames.slice(at, at + 5000)));
    await client.barrier();
    // It would be more than 30 MiB.
    expect(used() - before).toBeLessThan(10 * 1024 * 1024);
    client.send({ type: 'shutdown', socket: 1, how: 1 });
    expect(digest(await all(slow))).toBe(digest(Buffer.concat([full, crumbs])));
  });

  test('a byte that waits does not keep the memory of all that came with it', async () => {
    const relay = await startRelay({ limits: { upload: POOL_MAX } });
    const [lazy, eager] = [await startPeer(), await startPeer()];
    const client = await RawClient.connect(relay);
    await stream(client, 1, lazy);
    (await stream(client, 2, eager)).resume();
    const piece = Buffer.alloc(200_000);
    // Until the way to the peer that does not read is full.
    for (let i = 0; i < 30; i++) client.send(data(1, piece));
    await client.barrier();
    const before = used();
    for (let i = 0; i < 400; i++) {
      client.raw(Buffer.concat([encodeFrame(data(1, Buffer.of(i))), encodeFrame(data(2, piece))]));
      await client.barrier();
    }
    // It would be 100 MiB and more.
    expect(used() - before).toBeLessThan(40 * 1024 * 1024);
  });
});

test('what is sent behind a look-up stays as it was', async () => {
  const relay = await startRelay({ limits: { upload: POOL_MAX } });
  const sink = await startPeer();
  const client = await RawClient.connect(relay);
  (await stream(client, 1, sink)).resume();
  const receiver = createSocket('udp4');
  onTestFinished(() => new Promise<void>((resolve) => receiver.close(() => resolve())));
  receiver.bind(0, '127.0.0.1');
  await once(receiver, 'listening');
  const got: Buffer[] = [];
  receiver.on('message', (datagram) => got.push(Buffer.from(datagram)));
  const peer: Endpoint = loopback(receiver.address().port);

  client.send({ type: 'open', socket: 3, kind: KIND.udp, family: 4 });
  const noise = encodeFrame(data(1, Buffer.alloc(200_000, 0xee)));
  for (let i = 0; i < 3; i++) client.raw(noise);
  const resolve = client.number();
  const bind = client.number();
  const payloads = [7, 900, 30_000, 60_000].map((size) => randomFillSync(Buffer.alloc(size)));
  const frames: Frame[] = [
    { type: 'resolve', request: resolve, host: 'localhost', service: '0', family: 4, kind: 1, use: USE.bind },
    { type: 'bind', request: bind, socket: 3, target: { request: resolve, index: 0 } },
    ...payloads.map((payload): Frame => ({ type: 'sendto', request: client.number(), socket: 3, peer, payload })),
  ];
  client.raw(Buffer.concat([encodeFrame(data(1, Buffer.alloc(100_000))), ...frames.map(encodeFrame)]));
  for (let i = 0; i < 10; i++) client.raw(noise);
  expect(await client.answer(bind)).toBe(null);
  await until(() => got.length === payloads.length);
  expect(got.map(digest)).toEqual(payloads.map(digest));
  const name = await client.ask((number) => ({ type: 'getsockname', request: number, socket: 3 }));
  expect(unpackEndpoint(name as Uint8Array).address).toBe('127.0.0.1');
});
