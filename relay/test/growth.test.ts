/** Credit that grows: what a client's POOL gets, when the relay sends one, and that the budget bounds both. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { KIND } from '@luasocket-web/shared/frames';
import { POOL_MAX } from '@luasocket-web/shared/limits';
import type { Relay } from 'luasocket-relay';
import { describe, expect, test } from 'vitest';
import { RawClient } from './support/client.ts';
import { startPeer, startRelay, until } from './support/relay.ts';

const POOL = 65_536;
const MiB = 1024 * 1024;
const loopback = (port: number) => ({ family: 4, address: '127.0.0.1', port }) as const;

async function stream(client: RawClient, id: number): Promise<Socket> {
  const peer = await startPeer();
  client.send({ type: 'open', socket: id, kind: KIND.tcp, family: 4 });
  client.send({ type: 'connect', request: client.number(), socket: id, target: loopback(peer.port) });
  await client.next('connected', ({ socket }) => socket === id);
  return peer.connection();
}

async function metric(relay: Relay, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${relay.address.port}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`luasocket_relay_${name} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}
const grown = (relay: Relay) => metric(relay, 'grown_bytes');
const refused = (relay: Relay) => metric(relay, 'limits_reached_total{limit="grownBytes"}');

/** What came for a stream until no more did. */
async function received(client: RawClient, id: number): Promise<number> {
  const sum = () =>
    client.inbox.reduce((total, frame) => {
      return total + (frame.type === 'data' && frame.socket === id ? frame.payload.length : 0);
    }, 0);
  for (let [before, idle] = [-1, 0]; idle < 5; idle++) {
    await client.barrier();
    if (sum() > before) idle = 0;
    before = sum();
  }
  return sum();
}

describe('a client that allows more', () => {
  test('than the budget has gets the budget: the relay reads and keeps no more', async () => {
    const relay = await startRelay({ limits: { download: POOL, grownBytes: MiB } });
    const client = await RawClient.connect(relay);
    client.acknowledges = false;
    const far = await stream(client, 1);
    far.resume().write(Buffer.alloc(4 * POOL_MAX));
    client.send({ type: 'pool', bytes: POOL_MAX }, { type: 'pool', bytes: Number.MAX_SAFE_INTEGER });
    const got = await received(client, 1);
    expect(got).toBeGreaterThan(MiB / 2);
    expect(got).toBeLessThanOrEqual(POOL + MiB);
    expect(relay.stats.keptBytes).toBeLessThan(POOL + MiB + MiB);
    expect(await grown(relay)).toBe(MiB);
    expect(await refused(relay)).toBe(2);
  });

  test('than a pool may have gets the most, once', async () => {
    const relay = await startRelay({ limits: { download: POOL } });
    const client = await RawClient.connect(relay);
    client.send({ type: 'pool', bytes: 10 }, { type: 'pool', bytes: 2 * POOL_MAX }, { type: 'pool', bytes: 1 });
    await client.barrier();
    expect(await grown(relay)).toBe(POOL_MAX - POOL);
    expect(await refused(relay)).toBe(0);
  });

  test('and acknowledges nothing is behind only with the whole of its pool', async () => {
    const relay = await startRelay({ limits: { download: POOL } });
    const client = await RawClient.connect(relay);
    client.acknowledges = false;
    const far = await stream(client, 1);
    client.send({ type: 'pool', bytes: 2 * MiB });
    far.resume().write(Buffer.alloc(4 * POOL_MAX));
    // It takes everything, too; so only what is unacknowledged stops the peer.
    for (let idle = 0; idle < 5; idle++) {
      for (const frame of client.inbox.splice(0)) {
        if (frame.type !== 'data') continue;
        client.send({ type: 'credit', socket: 1, bytes: frame.payload.length });
        idle = 0;
      }
      await client.barrier();
    }
    expect(relay.stats.keptBytes).toBeGreaterThan(POOL + 2 * MiB);
    expect(relay.stats.keptBytes).toBeLessThan(POOL + 3 * MiB);
    client.send({ type: 'ack', received: client.received });
    await client.next('data');
  });

  test('shares the budget with the others, and gives it back when its session ends', async () => {
    const relay = await startRelay({ limits: { download: POOL, grownBytes: 3 * POOL } });
    const [first, second] = [await RawClient.connect(relay), await RawClient.connect(relay)];
    first.send({ type: 'pool', bytes: 2 * POOL });
    await first.barrier();
    second.send({ type: 'pool', bytes: 2 * POOL });
    await second.barrier();
    expect([await grown(relay), await refused(relay)]).toEqual([3 * POOL, 1]);
    first.ws.close(1000);
    await until(() => relay.stats.sessions === 1);
    expect(await grown(relay)).toBe(POOL);
    second.send({ type: 'pool', bytes: 2 * POOL });
    await second.barrier();
    expect([await grown(relay), await refused(relay)]).toEqual([3 * POOL, 1]);
    // A session that waits to be resumed keeps what it has.
    second.ws.terminate();
    await second.closed;
    expect(await grown(relay)).toBe(3 * POOL);
  });
});

/** Answers each PING so many milliseconds late: as if it were far away. */
function farAway(client: RawClient, milliseconds: number): void {
  const answer = ({ token }: { readonly token: number }) => {
    setTimeout(() => {
      if (client.ws.readyState === client.ws.OPEN) client.send({ type: 'pong', token, time: 0 });
    }, milliseconds);
    client.next('ping').then(answer, () => {});
  };
  client.next('ping').then(answer, () => {});
}

/** Sends as the credit allows until `enough`; what was sent, and how the pool has grown. */
async function pour(client: RawClient, id: number, enough: (state: { sent: number; grown: number }) => boolean) {
  const state = { sent: 0, outstanding: 0, grown: 0 };
  while (!enough(state)) {
    for (const frame of client.inbox.splice(0)) {
      if (frame.type === 'credit') state.outstanding -= frame.bytes;
      if (frame.type === 'pool') state.grown += frame.bytes;
    }
    const room = Math.min(POOL + state.grown - state.outstanding, 32_768);
    if (room > 0) client.send({ type: 'data', socket: id, payload: Buffer.alloc(room) });
    state.sent += room;
    state.outstanding += room;
    if (room === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return state;
}

describe('an upload', () => {
  test('of a client that is far away gets more credit, and may use it', async () => {
    const relay = await startRelay({ limits: { upload: POOL } });
    const client = await RawClient.connect(relay);
    farAway(client, 50);
    const far = await stream(client, 1);
    let heard = 0;
    far.on('data', (chunk: Buffer) => {
      heard += chunk.length;
    });
    far.resume();
    const { sent, grown: by } = await pour(client, 1, ({ grown }) => grown >= 4 * POOL);
    await until(() => heard === sent);
    expect(by % 65_536).toBe(0);
    expect(await grown(relay)).toBeGreaterThanOrEqual(by);
  });

  test('gets no more than the budget has, and may not send more than that', async () => {
    const relay = await startRelay({ limits: { upload: POOL, grownBytes: 100_000 } });
    const client = await RawClient.connect(relay);
    farAway(client, 50);
    const far = await stream(client, 1);
    far.resume();
    const { grown: by } = await pour(client, 1, ({ grown }) => grown >= 100_000);
    expect(by).toBe(100_000);
    expect(await grown(relay)).toBe(100_000);
    const fault = client.next('fault');
    client.send({ type: 'data', socket: 1, payload: Buffer.alloc(POOL + by + 2048) });
    expect((await fault).code).toBe('overrun');
    await until(() => relay.stats.sessions === 0);
    expect(await grown(relay)).toBe(0);
  });

  test('is delivered whole when its socket is closed, also beyond the first pool', async () => {
    const relay = await startRelay({ limits: { upload: POOL } });
    const client = await RawClient.connect(relay);
    farAway(client, 50);
    const far = await stream(client, 1);
    let heard = 0;
    far.on('data', (chunk: Buffer) => {
      heard += chunk.length;
    });
    far.resume();
    const state = await pour(client, 1, ({ grown }) => grown >= 8 * POOL);
    await until(() => heard === state.sent);
    far.pause();
    // Until the kernel takes no more and all of the pool is in the relay.
    let room = 8 * POOL - state.outstanding;
    for (let idle = 0; idle < 5; idle++) {
      for (; room >= 32_768; room -= 32_768) {
        client.send({ type: 'data', socket: 1, payload: Buffer.alloc(32_768) });
        state.sent += 32_768;
        idle = 0;
      }
      await client.barrier();
      for (const frame of client.inbox.splice(0)) if (frame.type === 'credit') room += frame.bytes;
    }
    client.send({ type: 'close', socket: 1, consumed: 0 });
    await client.barrier();
    far.resume();
    await Promise.race(['end', 'error'].map((event) => once(far, event)));
    expect(heard).toBe(state.sent);
  });

  test('of a client that answers no PING keeps its credit', async () => {
    const relay = await startRelay({ limits: { upload: POOL } });
    const client = await RawClient.connect(relay);
    const far = await stream(client, 1);
    far.resume();
    expect((await pour(client, 1, ({ sent }) => sent >= 24 * MiB)).grown).toBe(0);
    expect(await grown(relay)).toBe(0);
  });
});
