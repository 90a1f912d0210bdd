/** Flow control end to end: who does not read stops who writes, memory stays bounded, and neighbours go on. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { KIND } from '@luasocket-web/shared/frames';
import { POOL_MAX, STREAM_RESERVE } from '@luasocket-web/shared/limits';
import { describe, expect, test } from 'vitest';
import { RawClient } from './support/client.ts';
import { startPeer, startRelay, until } from './support/relay.ts';

const loopback = (port: number) => ({ family: 4, address: '127.0.0.1', port }) as const;
const POOL = 128 * 1024;

async function stream(client: RawClient, id: number, peer: Awaited<ReturnType<typeof startPeer>>): Promise<Socket> {
  client.send({ type: 'open', socket: id, kind: KIND.tcp, family: 4 });
  client.send({ type: 'connect', request: client.number(), socket: id, target: loopback(peer.port) });
  await client.next('connected', ({ socket }) => socket === id);
  return peer.connection();
}

/**
 * Writes until nobody takes more: the kernel's buffers and the relay's credit are full. Nothing moves any more when nothing did while
 * a `witness`, another client of the relay, got so many answers.
 */
async function writeUntilStuck(far: Socket, witness: RawClient): Promise<void> {
  const block = Buffer.alloc(256 * 1024);
  let taken = 0;
  far.resume();
  for (let idle = 0; idle < 20; ) {
    while (far.writableLength < 4 * block.length) {
      far.write(block, () => {
        taken += block.length;
      });
    }
    const before = taken;
    await witness.barrier();
    idle = taken === before ? idle + 1 : 0;
  }
}

function dataOf(client: RawClient, id: number): Uint8Array[] {
  return client.inbox.flatMap((frame) => (frame.type === 'data' && frame.socket === id ? [frame.payload] : []));
}

const sum = (payloads: readonly Uint8Array[]) => payloads.reduce((total, { length }) => total + length, 0);

describe('download', () => {
  test('a client that gives no credit stops the peer; one that gives some lets it go on', async () => {
    const relay = await startRelay({ limits: { download: POOL } });
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    const far = await stream(client, 1, peer);
    await writeUntilStuck(far, await RawClient.connect(relay));
    const got = sum(dataOf(client, 1));
    expect(got).toBeGreaterThan(POOL / 2);
    expect(got).toBeLessThanOrEqual(POOL + STREAM_RESERVE);
    expect(relay.stats.keptBytes).toBeLessThan(POOL + 1024 * 1024);

    client.send({ type: 'credit', socket: 1, bytes: got });
    await until(() => sum(dataOf(client, 1)) > got);
  });

  test('every byte arrives once and in order while credit comes as it is used', async () => {
    const relay = await startRelay({ limits: { download: 65_536 } });
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    const far = await stream(client, 1, peer);
    const sent = Buffer.from(Uint32Array.from({ length: 1_000_000 }, (_, i) => i).buffer);
    far.resume().end(sent);
    const heard: Uint8Array[] = [];
    const ended = client.next('end');
    let over = false;
    ended.then(() => {
      over = true;
    });
    while (!over) {
      const { payload } = await Promise.race([client.next('data'), ended.then(() => ({ payload: new Uint8Array(0) }))]);
      heard.push(payload);
      if (payload.length > 0) client.send({ type: 'credit', socket: 1, bytes: payload.length });
    }
    heard.push(...dataOf(client, 1));
    expect(Buffer.concat(heard).equals(sent)).toBe(true);
  });

  test('a stalled stream leaves credit for its neighbours', async () => {
    const relay = await startRelay({ limits: { download: POOL } });
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    const stalled = await stream(client, 1, peer);
    await writeUntilStuck(stalled, await RawClient.connect(relay));
    const neighbour = await stream(client, 2, peer);
    neighbour.resume();
    for (let i = 0; i < 100; i++) {
      neighbour.write(Buffer.alloc(1000, i));
      const { payload } = await client.next('data', ({ socket }) => socket === 2);
      expect(payload).toHaveLength(1000);
      client.send({ type: 'credit', socket: 2, bytes: 1000 });
    }
  });

  test('a client that does not read its WebSocket stops the peers; what the relay keeps is bounded', async () => {
    const relay = await startRelay({ limits: { download: POOL } });
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    const all = await Promise.all([1, 2, 3, 4].map((id) => stream(client, id, peer)));
    client.ws.pause();
    const witness = await RawClient.connect(relay);
    await Promise.all(all.map((far) => writeUntilStuck(far, witness)));
    expect(relay.stats.keptBytes).toBeLessThan(POOL + 1024 * 1024);
    client.ws.resume();
    await until(() => sum(dataOf(client, 1)) > 0);
  });

  test('a client that takes everything and acknowledges nothing stops its peers', async () => {
    const relay = await startRelay({ limits: { download: POOL } });
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    client.acknowledges = false;
    const far = await stream(client, 1, peer);
    far.resume().write(Buffer.alloc(8 * 1024 * 1024));
    for (let idle = 0; idle < 5; idle++) {
      for (const frame of client.inbox.splice(0)) {
        if (frame.type !== 'data') continue;
        client.send({ type: 'credit', socket: 1, bytes: frame.payload.length });
        idle = 0;
      }
      await client.barrier();
    }
    expect(relay.stats.keptBytes).toBeLessThan(POOL + 1024 * 1024);
    client.send({ type: 'ack', received: client.received });
    await client.next('data');
  });

  test('a client that asks on and on and acknowledges nothing is at fault', async () => {
    const relay = await startRelay();
    const client = await RawClient.connect(relay);
    client.acknowledges = false;
    const fault = client.next('fault');
    let over = false;
    fault.then(() => {
      over = true;
    });
    while (!over) {
      const requests = Array.from({ length: 5000 }, () => client.number());
      client.send(...requests.map((request) => ({ type: 'hostname', request }) as const));
      await Promise.race([fault, client.next('reply', ({ request }) => request === requests.at(-1))]);
      client.inbox.length = 0;
    }
    expect((await fault).code).toBe('limit');
  });

  test('peers that send little at a time are stopped before a client that is slow to acknowledge is at fault', async () => {
    const relay = await startRelay();
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    client.acknowledges = false;
    const far = await stream(client, 1, peer);
    far.setNoDelay(true).resume();
    // One byte in each frame: far more of them than frames may be unacknowledged, far fewer than the credit allows.
    let over = false;
    client.closed.then(() => {
      over = true;
    });
    for (let sent = 0; sent < 70_000 && !over; sent++) {
      far.write('x');
      if (sent % 4 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await client.barrier();
    const frames = dataOf(client, 1).length;
    client.send({ type: 'ack', received: client.received });
    await until(() => over || sum(dataOf(client, 1)) === 70_000);
    expect(over).toBe(false);
    expect(frames).toBeLessThan(17_000);
  });

  test('CLOSE gives back what a stream had outstanding', async () => {
    const relay = await startRelay({ limits: { download: POOL } });
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    for (let id = 1; id <= 5; id++) {
      const far = await stream(client, id, peer);
      far.on('error', () => {}).write(Buffer.alloc(POOL));
      await until(() => sum(dataOf(client, id)) > POOL / 2);
      client.send({ type: 'close', socket: id, consumed: 0 });
    }
    await client.barrier();
    expect(relay.stats.sockets).toBe(0);
  });

  test('CLOSE of a stalled stream lets its neighbours have what it held', async () => {
    const relay = await startRelay({ limits: { download: POOL } });
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    const [stalled, neighbour] = [await stream(client, 1, peer), await stream(client, 2, peer)];
    await writeUntilStuck(stalled, await RawClient.connect(relay));
    await writeUntilStuck(neighbour, await RawClient.connect(relay));
    const before = sum(dataOf(client, 2));
    expect(before).toBeLessThan(POOL / 2);
    client.send({ type: 'close', socket: 1, consumed: 0 });
    await until(() => sum(dataOf(client, 2)) > POOL / 2);
  });

  test('POOL from the client widens what may be outstanding', async () => {
    const relay = await startRelay({ limits: { download: POOL } });
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    const far = await stream(client, 1, peer);
    await writeUntilStuck(far, await RawClient.connect(relay));
    client.send({ type: 'pool', bytes: POOL * 3 });
    await until(() => sum(dataOf(client, 1)) > POOL * 2);
  });

  test('CLOSE of a stream with much on its way is no reason to call the client slow', async () => {
    const relay = await startRelay({ limits: { download: POOL } });
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    client.acknowledges = false;
    client.send({ type: 'pool', bytes: POOL_MAX });
    const far = await stream(client, 1, peer);
    far.write(Buffer.alloc(POOL_MAX * 2));
    await until(() => sum(dataOf(client, 1)) > POOL_MAX / 2);
    client.send({ type: 'close', socket: 1, consumed: 0 });
    expect(await client.ask((request) => ({ type: 'hostname', request }))).not.toHaveProperty('error');
  });
});

describe('upload', () => {
  test('credit comes back as the kernel takes what was sent', async () => {
    const relay = await startRelay({ limits: { upload: POOL } });
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    const far = await stream(client, 1, peer);
    let heard = 0;
    far.on('data', (chunk: Buffer) => {
      heard += chunk.length;
    });
    far.resume();
    let outstanding = 0;
    for (let i = 0; i < 100; i++) {
      while (outstanding + 32_768 > POOL) outstanding -= (await client.next('credit')).bytes;
      client.send({ type: 'data', socket: 1, payload: Buffer.alloc(32_768) });
      outstanding += 32_768;
    }
    await until(() => heard === 100 * 32_768);
  });

  test('a peer that does not read gets no more than the kernel and the pool hold', async () => {
    const relay = await startRelay({ limits: { upload: POOL } });
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    const far = await stream(client, 1, peer);
    const payload = Buffer.alloc(16_384);
    let outstanding = 0;
    let credit = client.next('credit');
    // Fill until no credit has come for as long as a barrier takes, several times over.
    for (let idle = 0; idle < 20; ) {
      if (outstanding + payload.length <= POOL) {
        client.send({ type: 'data', socket: 1, payload });
        outstanding += payload.length;
        idle = 0;
        continue;
      }
      const back = await Promise.race([credit, client.barrier().then(() => null)]);
      if (back && 'bytes' in back) {
        outstanding -= back.bytes;
        credit = client.next('credit');
      } else {
        idle++;
      }
    }
    // Once the peer reads, the rest flows.
    far.resume();
    await credit;
  });

  test('what an error of the connection has swallowed is given back', async () => {
    const relay = await startRelay({ limits: { upload: POOL } });
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    const far = await stream(client, 1, peer);
    far.resetAndDestroy();
    await client.next('error');
    client.send({ type: 'data', socket: 1, payload: Buffer.alloc(POOL) });
    expect(await client.next('credit')).toMatchObject({ socket: 1, bytes: POOL });
  });
});

test('BARRIER: what the kernel had when it was asked comes before its answer', async () => {
  const relay = await startRelay();
  const peer = await startPeer();
  const client = await RawClient.connect(relay);
  const far = await stream(client, 1, peer);
  far.resume();
  for (let i = 0; i < 200; i++) {
    const written = once(far, 'written');
    far.write(`line ${i}`, () => far.emit('written'));
    await written;
    await client.barrier();
    const heard = dataOf(client, 1);
    expect(Buffer.concat(heard).toString()).toBe(`line ${i}`);
    client.inbox.length = 0;
    client.send({ type: 'credit', socket: 1, bytes: sum(heard) });
  }
});

describe('after CLOSE', () => {
  test('what was sent is still delivered to a slow peer', async () => {
    const relay = await startRelay();
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    const far = await stream(client, 1, peer);
    const sent = Buffer.alloc(1000 * 1000, 'x');
    for (let at = 0; at < sent.length; at += 100_000) {
      client.send({ type: 'data', socket: 1, payload: sent.subarray(at, at + 100_000) });
    }
    client.send({ type: 'close', socket: 1, consumed: 0 });
    await client.barrier();
    const heard: Buffer[] = [];
    far.on('data', (chunk: Buffer) => heard.push(chunk));
    await once(far.resume(), 'end');
    expect(Buffer.concat(heard).equals(sent)).toBe(true);
  });

  test('a client cannot make the relay keep more than its pool for peers that do not read', async () => {
    const relay = await startRelay({ limits: { upload: POOL } });
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    const missing: Promise<number>[] = [];
    const all: Socket[] = [];
    for (let id = 1; id <= 3; id++) {
      const far = await stream(client, id, peer);
      all.push(far);
      let heard = 0;
      far.on('data', (chunk: Buffer) => {
        heard += chunk.length;
      });
      far.pause();
      // Until no credit comes back: the kernel takes no more, and the pool is used up.
      let sent = 0;
      let room = POOL;
      for (let idle = 0; idle < 3; idle++) {
        for (; room >= 32_768; room -= 32_768) {
          client.send({ type: 'data', socket: id, payload: Buffer.alloc(32_768) });
          sent += 32_768;
          idle = 0;
        }
        await client.barrier();
        for (const frame of client.inbox.splice(0)) if (frame.type === 'credit') room += frame.bytes;
      }
      client.send({ type: 'close', socket: id, consumed: 0 });
      const over = Promise.race(['end', 'error'].map((event) => new Promise((resolve) => far.once(event, resolve))));
      missing.push(over.then(() => sent - heard));
    }
    await client.barrier();
    for (const far of all) far.resume();
    const [first, ...others] = await Promise.all(missing);
    expect(first).toBe(0);
    // They were reset, and what the kernel had not taken is gone.
    for (const bytes of others) expect(bytes).toBeGreaterThanOrEqual(POOL);
  });
});
