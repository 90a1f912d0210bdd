/** Uploads give way to small messages, and a program that selects is told the truth about it. */
import { packEndpoint } from '@luasocket-web/shared/address';
import { POOL_INITIAL } from '@luasocket-web/shared/limits';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DatagramSocket, Stream } from '../../src/core/channel.ts';
import { LOCAL, PEER, Scripted } from './scripted.ts';

const POOL = POOL_INITIAL;
const WHOLE = Math.floor(POOL * 0.8);
/** Four fifths of 96 KiB. */
const LIMITED = 78_643;
const [BULK, TALK] = [1, 2];

class Uploads extends Scripted {
  /** Seconds. */
  readonly path: { now(): number; roundtrip: number | null };
  time = 1000;
  readonly streams: Stream[] = [];

  constructor(roundtrip: number | null = 0.0004, hasPath = true) {
    const path = { now: () => this.time, roundtrip };
    super({ upload: POOL, sockets: 20 }, 0, hasPath ? path : null);
    this.path = path;
  }

  /** Streams that are connected, with the ids 1, 2 and so on. */
  begin(count: number): this {
    for (let socket = 1; socket <= count; socket++) {
      const stream = this.tcp();
      stream.connect(PEER);
      this.answer('connect', packEndpoint(LOCAL));
      this.tell({ type: 'connected', socket, local: LOCAL, peer: PEER });
      this.streams.push(stream);
    }
    return this;
  }

  send(socket: number, bytes: number): number {
    return this.streams[socket - 1]?.send(new Uint8Array(bytes), 0, bytes) as number;
  }

  writable(socket: number): boolean {
    return this.streams[socket - 1]?.writable === true;
  }

  outstanding(socket: number): number {
    return this.sockets.upload.outstandingOf(socket);
  }

  credit(socket: number, bytes = this.outstanding(socket)): void {
    if (bytes > 0) this.tell({ type: 'credit', socket, bytes });
  }
}

test('an upload has its share of the pool, 96 KiB while something small goes beside it, and then its share again', () => {
  const relay = new Uploads().begin(2);
  expect(relay.send(BULK, POOL)).toBe(WHOLE);
  expect(relay.send(TALK, 64)).toBe(64);
  expect(relay.writable(BULK)).toBe(false);
  let woken = 0;
  relay.streams[0]?.subscribe(() => woken++);
  relay.credit(BULK, WHOLE - LIMITED);
  expect([woken, relay.writable(BULK), relay.send(BULK, POOL)]).toEqual([0, false, 0]);
  relay.credit(BULK);
  expect([woken, relay.writable(BULK)]).toEqual([1, true]);
  relay.credit(TALK);
  for (let i = 0; i < 100; i++) {
    relay.send(BULK, POOL);
    expect(relay.outstanding(BULK)).toBe(LIMITED);
    relay.time += 0.2;
    relay.send(TALK, 64);
    relay.credit(TALK);
    relay.credit(BULK);
  }
  relay.time += 0.25;
  expect(relay.send(BULK, POOL)).toBe(WHOLE);
});

test('datagrams hold it back, too', () => {
  const relay = new Uploads().begin(1);
  const udp = relay.channel.udp(4) as DatagramSocket;
  // The first to a peer waits for a verdict.
  udp.send(new Uint8Array(10), PEER);
  relay.expect('open');
  relay.answer('sendto');
  relay.send(BULK, POOL);
  relay.credit(BULK, WHOLE - 60_000);
  expect(relay.writable(BULK)).toBe(true);
  udp.send(new Uint8Array(10), PEER);
  expect(relay.writable(BULK)).toBe(false);
});

test('by a clock too coarse for the round trip, too; not without a round trip, nor where there is no clock', () => {
  const share = (relay: Uploads) => {
    relay.begin(2).send(BULK, POOL);
    relay.send(TALK, 64);
    relay.credit(BULK);
    return relay.send(BULK, POOL);
  };
  expect(share(new Uploads(0))).toBeLessThanOrEqual(LIMITED);
  expect(share(new Uploads(null))).toBeGreaterThan(WHOLE - 100);
  expect(share(new Uploads(null, false))).toBeGreaterThan(WHOLE - 100);
});

test('many uploads do not hold each other back, though the parts that credit leaves of their blocks are small', () => {
  const relay = new Uploads().begin(20);
  for (let round = 0; round < 300; round++) {
    for (let socket = 1; socket <= 20; socket++) {
      for (let block = 0; block < 3; block++) relay.send(socket, 2048);
      relay.send(socket, 65_536);
    }
    for (let socket = 1; socket <= 20; socket++) relay.credit(socket, 1100);
    relay.time += 0.01;
    expect(relay.sockets.bulkLimit.limited).toBe(false);
  }
});

test('what is writable takes something; what is not is woken when all has been given back, and is writable then', () => {
  const step = fc.record({
    socket: fc.integer({ min: 1, max: 4 }),
    bytes: fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 1, max: 300_000 })),
    credited: fc.integer({ min: 1, max: 4 }),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
    passes: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.4, noNaN: true })),
    roundtrip: fc.constantFrom(null, 0, 0.0005, 0.02, 0.2),
  });
  let limited = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const relay = new Uploads().begin(4);
      const woken = new Set<number>();
      for (const [index, stream] of relay.streams.entries()) stream.subscribe(() => woken.add(index + 1));
      for (const { socket, bytes, credited, part, passes, roundtrip } of steps) {
        relay.time += passes;
        relay.path.roundtrip = roundtrip;
        const writable = relay.writable(socket);
        const sent = relay.send(socket, bytes);
        if (writable) expect(sent).toBeGreaterThan(0);
        limited += Number(relay.sockets.bulkLimit.limited);
        relay.credit(credited, Math.floor(relay.outstanding(credited) * part));
      }
      const waiting = [1, 2, 3, 4].filter((socket) => !relay.writable(socket));
      woken.clear();
      for (const socket of [1, 2, 3, 4]) relay.credit(socket);
      for (const socket of waiting) expect(woken).toContain(socket);
      for (const socket of [1, 2, 3, 4]) expect(relay.writable(socket)).toBe(true);
    }),
  );
  expect(limited).toBeGreaterThan(100);
});
