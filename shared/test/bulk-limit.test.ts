/** Bulk gives way to small messages: how much of the pool it has, from when to when, and that nobody waits for ever. */
import { BulkLimit } from '@luasocket-web/shared/bulk-limit';
import { SendPool } from '@luasocket-web/shared/flow';
import { POOL_INITIAL, STREAM_RESERVE } from '@luasocket-web/shared/limits';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Pair, type Reader } from './pair.ts';

const POOL = POOL_INITIAL;
const LEAST = 96 * 1024;
const [BULK, SMALL, OTHER] = [1, 2, 3];

/** A sender whose clock and round trip (milliseconds) are what a test sets them to. */
class Sender {
  now = 1_000_000;
  roundtrip: number | null = 0.5;
  readonly pool: SendPool;
  readonly limit: BulkLimit;

  constructor(pool = POOL) {
    this.pool = new SendPool(pool);
    this.limit = new BulkLimit(this.pool, { now: () => this.now, roundtrip: () => this.roundtrip });
  }

  /** Sends a message, or as much of it as is allowed. */
  send(socket: number, bytes: number): number {
    const sent = Math.min(bytes, this.limit.allowance(socket));
    this.limit.sending(socket, bytes);
    this.pool.spend(socket, sent);
    return sent;
  }

  credit(socket: number, bytes: number): void {
    this.pool.giveBack(socket, bytes, 'stream');
    this.limit.credited(socket, bytes);
  }

  /** All of the pool that it gets is outstanding, and a small message has gone beside it. */
  static beside(pool = POOL): Sender {
    const sender = new Sender(pool);
    sender.send(BULK, pool);
    sender.send(SMALL, 64);
    return sender;
  }

  /** Bulk that is taken at `rate` bytes a millisecond, for so long, in steps of 10 ms. */
  taking(rate: number, milliseconds: number, small = false): this {
    for (let passed = 0; passed < milliseconds; passed += 10) {
      this.now += 10;
      this.pool.spend(BULK, Math.max(0, rate * 10 + 60_000 - this.pool.outstandingOf(BULK)));
      if (small) this.pool.giveBack(SMALL, this.send(SMALL, 64), 'stream');
      this.credit(BULK, rate * 10);
    }
    return this;
  }

  /** How much bulk may be outstanding on one stream, with nothing else there. */
  get share(): number {
    return this.limit.allowance(BULK) + this.pool.outstandingOf(BULK);
  }
}

describe('what limits bulk', () => {
  test('alone it has what the pool gives', () => {
    const sender = new Sender();
    expect(sender.send(BULK, POOL)).toBe(Math.floor(POOL * 0.8));
    expect(sender.limit.limited).toBe(false);
    expect(sender.limit.piece).toBe(Number.POSITIVE_INFINITY);
  });

  test('a small message beside it does, until a quarter of a second after the last one', () => {
    const sender = Sender.beside();
    expect(sender.limit.limited).toBe(true);
    expect(sender.limit.allowance(BULK)).toBe(0);
    sender.credit(BULK, sender.pool.outstandingOf(BULK) - 50_000);
    sender.now += 200;
    sender.send(SMALL, 64);
    sender.now += 249;
    expect(sender.share).toBeLessThan(LEAST * 0.8);
    sender.now += 1;
    expect(sender.share).toBeGreaterThan(POOL * 0.75);
    expect(sender.limit.piece).toBe(Number.POSITIVE_INFINITY);
  });

  test('then one stream has four fifths of 96 KiB, read in pieces of which two fit', () => {
    const sender = Sender.beside();
    sender.credit(BULK, sender.pool.outstandingOf(BULK));
    sender.credit(SMALL, 64);
    expect(sender.send(BULK, POOL)).toBe(Math.floor(LEAST * 0.8));
    expect(sender.send(BULK, POOL)).toBe(0);
    expect(sender.limit.piece).toBeLessThanOrEqual((LEAST * 0.8) / 2);
    expect(sender.limit.piece).toBeGreaterThan(32 * 1024);
  });

  test.each([2, 5])('%d streams end up with equal shares of it', (count) => {
    const sender = Sender.beside();
    sender.credit(BULK, sender.pool.outstandingOf(BULK));
    const sockets = Array.from({ length: count }, (_, index) => 10 + index);
    for (let round = 0; round < 400; round++) {
      for (const socket of sockets) {
        sender.send(socket, POOL);
        sender.credit(socket, Math.ceil(sender.pool.outstandingOf(socket) / 8));
      }
    }
    const fair = (4 * LEAST) / (4 * count + 1);
    for (const socket of sockets) {
      expect(sender.pool.outstandingOf(socket)).toBeGreaterThan(fair * 0.7);
      expect(sender.pool.outstandingOf(socket)).toBeLessThan(fair * 1.3);
    }
  });

  test('a stream with much on its way from before leaves the others 16 KiB each, not crumbs', () => {
    const sender = Sender.beside();
    expect(sender.pool.outstanding).toBeGreaterThan(8 * LEAST);
    sender.credit(BULK, 1);
    expect(sender.send(OTHER, POOL)).toBe(16 * 1024);
    sender.credit(OTHER, 1000);
    expect(sender.limit.allowance(OTHER)).toBe(0);
    sender.credit(OTHER, 24);
    expect(sender.limit.allowance(OTHER)).toBe(1024);
    // Small messages go as before.
    for (let i = 0; i < 10; i++) expect(sender.send(SMALL, 1000)).toBe(1000);
  });

  test('a stream that has stalled is not on its way: the others share the limit without it, and it alone limits nobody', () => {
    const sender = new Sender();
    sender.send(BULK, POOL / 2);
    for (let i = 0; i < 20; i++) {
      sender.send(SMALL, 64);
      sender.now += 60;
      sender.credit(SMALL, 64);
    }
    sender.now += 250;
    sender.send(SMALL, 64);
    expect(sender.limit.limited).toBe(false);
    sender.send(OTHER, 60_000);
    sender.send(SMALL, 64);
    expect(sender.limit.limited).toBe(true);
    const share = sender.limit.allowance(OTHER) + sender.pool.outstandingOf(OTHER);
    expect(share).toBeGreaterThan(LEAST * 0.79);
    expect(share).toBeLessThanOrEqual(LEAST * 0.8);
    // It goes on.
    sender.credit(BULK, 1);
    sender.now += 60;
    sender.send(SMALL, 64);
    sender.credit(OTHER, 1);
    sender.credit(BULK, 1);
    sender.now += 60;
    sender.credit(OTHER, 1);
    expect(sender.limit.allowance(OTHER)).toBe(0);
  });

  test('never is more allowed than by the pool, nor nothing where nothing is outstanding', () => {
    const sender = Sender.beside(65_536);
    for (let socket = 10; socket < 300; socket++) {
      expect(sender.limit.allowance(socket)).toBeLessThanOrEqual(sender.pool.allowance(socket));
      expect(sender.send(socket, POOL)).toBeGreaterThanOrEqual(STREAM_RESERVE);
    }
    expect(sender.limit.limited).toBe(true);
  });
});

describe('what does not', () => {
  test('messages with little beside them', () => {
    const sender = new Sender();
    sender.send(BULK, 40_000);
    sender.send(SMALL, 64);
    expect(sender.limit.limited).toBe(false);
  });

  test('bulk of other streams, by the blocks of ltn12 or in parts that are small for want of credit', () => {
    const sender = new Sender(512 * 1024);
    for (let round = 0; round < 1000; round++) {
      for (let socket = 1; socket <= 60; socket++) sender.send(socket, round % 2 === 0 ? 2048 : 100_000);
      for (let socket = 1; socket <= 60; socket++) sender.credit(socket, sender.pool.outstandingOf(socket) >> 1);
      expect(sender.limit.limited).toBe(false);
    }
  });

  test('the end of bulk on its own stream', () => {
    const sender = new Sender();
    sender.send(BULK, 100_000);
    sender.send(BULK, 64);
    expect(sender.limit.limited).toBe(false);
  });

  test('small messages without a pause on a stream that has much outstanding of them', () => {
    const sender = new Sender();
    sender.send(BULK, 100_000);
    sender.pool.spend(SMALL, 16 * 1024);
    sender.send(SMALL, 64);
    expect(sender.limit.limited).toBe(false);
  });

  test('a path of which no round trip is known', () => {
    const sender = new Sender();
    sender.roundtrip = null;
    sender.send(BULK, 100_000);
    sender.send(SMALL, 64);
    expect(sender.limit.allowance(BULK)).toBe(sender.pool.allowance(BULK));
    expect(sender.limit.piece).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('what a path carries', () => {
  /** Bulk at that rate over that path, then small messages: what one stream may have outstanding. */
  const share = (rate: number, roundtrip: number | null, then?: (sender: Sender) => void) => {
    const sender = new Sender(8 * POOL);
    sender.roundtrip = roundtrip;
    sender.taking(rate, 2000);
    then?.(sender);
    sender.send(OTHER, 60_000);
    sender.send(SMALL, 64);
    sender.credit(OTHER, 60_000);
    return sender.share;
  };

  test('in a round trip is allowed twice', () => {
    for (const [rate, roundtrip] of [
      [2500, 50],
      [10_000, 20],
      [1250, 200],
    ] as const) {
      const wanted = 0.8 * 2 * rate * roundtrip;
      expect(share(rate, roundtrip)).toBeGreaterThan(wanted * 0.9);
      expect(share(rate, roundtrip)).toBeLessThan(wanted * 1.1);
    }
  });

  test('is no less than 96 KiB, and nothing else where it is too near to be measured', () => {
    for (const roundtrip of [0, 0.1, 4.9]) {
      expect(share(100_000, roundtrip)).toBeLessThanOrEqual(LEAST * 0.8);
      expect(share(100_000, roundtrip)).toBeGreaterThan(LEAST * 0.79);
    }
    expect(share(10, 20)).toBeGreaterThan(LEAST * 0.79);
    expect(share(10, 20)).toBeLessThanOrEqual(LEAST * 0.8);
  });

  test('is not what a program takes after a pause', () => {
    const before = share(2500, 50);
    const after = share(2500, 50, (sender) => {
      sender.now += 60_000;
      sender.credit(BULK, sender.send(BULK, 64));
    });
    expect(Math.abs(after - before)).toBeLessThan(before / 10);
  });

  test('is what it is now when it carries less than it did', () => {
    const less = share(10_000, 20, (sender) => sender.taking(1000, 1000));
    expect(less).toBeLessThanOrEqual(LEAST * 0.8);
  });

  test('is not what the limit lets through, unless that is more', () => {
    const before = share(10_000, 20);
    // It would go down and down: a program that polls 60 times a second doubles a round trip of 16 ms.
    expect(share(10_000, 20, (sender) => sender.taking(4000, 1000, true))).toBe(before);
    expect(share(5000, 20, (sender) => sender.taking(10_000, 1000, true))).toBe(before);
  });

  test('is not what small messages make', () => {
    const before = share(2500, 50);
    const after = share(2500, 50, (sender) => {
      sender.credit(BULK, sender.pool.outstandingOf(BULK));
      for (let i = 0; i < 1000; i++) {
        sender.now += 10;
        sender.credit(SMALL, sender.send(SMALL, 64));
      }
    });
    expect(Math.abs(after - before)).toBeLessThan(before / 10);
  });

  test('of whatever is credited when, is a number', () => {
    const step = fc.record({
      passes: fc.oneof(fc.constant(0), fc.nat({ max: 200 }), fc.nat({ max: 1e7 })),
      bytes: fc.nat({ max: 200_000 }),
      roundtrip: fc.option(fc.oneof(fc.constant(0), fc.nat({ max: 5000 }))),
      small: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const sender = new Sender();
        sender.now = 0;
        for (const { passes, bytes, roundtrip, small } of steps) {
          sender.now += passes;
          sender.roundtrip = roundtrip;
          const sent = sender.send(BULK, bytes);
          if (small) sender.credit(SMALL, sender.send(SMALL, 64));
          const { piece } = sender.limit;
          expect(piece).toBeGreaterThan(32 * 1024);
          const allowed = sender.limit.allowance(BULK);
          expect(Number.isInteger(allowed) && allowed >= 0).toBe(true);
          sender.credit(BULK, sent);
          expect(sender.limit.allowance(BULK)).toBeGreaterThanOrEqual(LEAST * 0.75);
        }
      }),
    );
  });
});

describe('sender and receiver', () => {
  test('who waits for room for half as much as is outstanding has more outstanding than a receiver may keep back', () => {
    for (let most = 0; most <= LEAST; most += 397) {
      const pair = new Pair({ latency: 0.1, pool: POOL, gather: true, savesUp: true });
      const { relay, client, timeline } = pair;
      client.readers.set(OTHER, { bytes: 60_000, every: 10 });
      relay.write(OTHER, 60_000);
      timeline.at(2, () => relay.write(SMALL, 64));
      timeline.at(20, () => relay.write(BULK, most));
      timeline.at(21, () => relay.write(BULK, 200_000));
      pair.run();
      expect(client.incoming.get(BULK)?.received).toBe(most + 200_000);
    }
  });

  const bulk = fc.record({
    /** Of each of so many blocks, written so many milliseconds apart. */
    bytes: fc.oneof(fc.nat({ max: 5000 }), fc.nat({ max: 60_000 }), fc.nat({ max: 500_000 })),
    blocks: fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 12 })),
    apart: fc.nat({ max: 30 }),
    at: fc.nat({ max: 500 }),
    /** Null takes all at once; 0 bytes: never. */
    reader: fc.option(
      fc.record({
        bytes: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 200, max: 20_000 }) }, fc.constant(0)),
        every: fc.nat({ max: 30 }),
      }),
    ) satisfies fc.Arbitrary<Reader | null>,
  });
  const small = fc.record({
    bytes: fc.integer({ min: 1, max: 3000 }),
    at: fc.nat({ max: 500 }),
    every: fc.nat({ max: 300 }),
    count: fc.nat({ max: 60 }),
  });
  const cases = fc.record({
    pool: fc.oneof(fc.integer({ min: 0, max: 20_000 }), fc.constantFrom(16_384, 65_536, 131_072, 262_144, POOL)),
    bulk: fc.array(bulk, { minLength: 1, maxLength: 12 }),
    small: fc.array(small, { maxLength: 3 }),
    latency: fc.oneof(fc.constant(0.1), fc.nat({ max: 100 })),
    cuts: fc.uniqueArray(fc.integer({ min: 1, max: 100 }), { maxLength: 4 }),
    grows: fc.array(fc.record({ bytes: fc.nat({ max: POOL }), at: fc.nat({ max: 1000 }), followed: fc.boolean() }), {
      maxLength: 3,
    }),
    savesUp: fc.boolean(),
  });

  test('never stand still: what is read comes, to the last byte, and never is more outstanding than the pool', () => {
    let limited = 0;
    fc.assert(
      fc.property(cases, ({ pool, bulk, small, latency, cuts, grows, savesUp }) => {
        const pair = new Pair({ latency, pool, gather: true, cuts, savesUp });
        const { timeline, relay, client } = pair;
        const sent = new Map<number, number>();
        const write = (socket: number, bytes: number) => {
          sent.set(socket, (sent.get(socket) ?? 0) + bytes);
          relay.write(socket, bytes);
          limited += Number(relay.limit.limited);
        };
        for (const [index, { bytes, blocks, apart, at, reader }] of bulk.entries()) {
          if (reader) client.readers.set(index + 1, reader);
          for (let i = 0; i < blocks; i++) timeline.at(at + i * apart, () => write(index + 1, bytes));
        }
        for (const [index, { bytes, at, every, count }] of small.entries()) {
          for (let i = 0; i < count; i++) timeline.at(at + i * every, () => write(100 + index, bytes));
        }
        let most = pool + (bulk.length + small.length) * STREAM_RESERVE;
        for (const { bytes, at, followed } of grows) {
          timeline.at(at, () => client.receiving.grow(bytes));
          if (!followed) continue;
          most += bytes;
          timeline.at(at + latency, () => {
            relay.sending.grow(bytes);
            relay.pump();
          });
        }
        pair.run();
        for (const [socket, bytes] of sent) {
          const stalls = client.readers.get(socket)?.bytes === 0;
          if (!stalls) expect(client.incoming.get(socket)?.received ?? 0).toBe(bytes);
        }
        expect(relay.peaks.outstanding).toBeLessThanOrEqual(most);
        expect(client.peaks.unread).toBeLessThanOrEqual(most);
      }),
      { numRuns: 200 },
    );
    expect(limited).toBeGreaterThan(100);
  });
});
