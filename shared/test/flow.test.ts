/** Credit: no more than allowed, a fair share for each stream, few CREDITs, and never a standstill. */
import { ProtocolError } from '@luasocket-web/shared/errors';
import { ReceivePool, SendPool } from '@luasocket-web/shared/flow';
import {
  ACK_MILLISECONDS,
  DATAGRAM_OVERHEAD,
  MAX_SOCKETS,
  POOL_INITIAL,
  POOL_MAX,
  STREAM_RESERVE,
} from '@luasocket-web/shared/limits';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Pair, type Reader } from './pair.ts';

const POOL = POOL_INITIAL;

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return error instanceof ProtocolError ? error.code : 'another error';
  }
  return 'none';
};
const spendAll = (pool: SendPool, socket: number): number => {
  const bytes = pool.allowance(socket);
  pool.spend(socket, bytes);
  return bytes;
};

describe('sending', () => {
  test('a single stream gets four fifths of the pool', () => {
    const pool = new SendPool(POOL);
    expect(spendAll(pool, 1)).toBe(Math.floor(POOL * 0.8));
    expect([pool.allowance(1), pool.outstanding, pool.outstandingOf(1)]).toEqual([
      0,
      Math.floor(POOL * 0.8),
      Math.floor(POOL * 0.8),
    ]);
  });

  test.each([2, 5, 20])('%d greedy streams end up with equal shares, and leave something for another', (count) => {
    const pool = new SendPool(POOL);
    const sockets = Array.from({ length: count }, (_, i) => i + 1);
    for (let round = 0; round < 400; round++) {
      for (const socket of sockets) {
        spendAll(pool, socket);
        pool.giveBack(socket, Math.ceil(pool.outstandingOf(socket) / 8), 'stream');
      }
    }
    const fair = (4 * POOL) / (4 * count + 1);
    for (const socket of sockets) {
      expect(pool.outstandingOf(socket)).toBeGreaterThan(fair * 0.75);
      expect(pool.outstandingOf(socket)).toBeLessThan(fair * 1.25);
    }
    expect(pool.allowance(999)).toBeGreaterThan(POOL / (4 * count + 1) / 2);
  });

  test('a stalled stream keeps what it holds and lets the others run', () => {
    const pool = new SendPool(POOL);
    spendAll(pool, 1);
    const [first, second] = [spendAll(pool, 2), spendAll(pool, 2)];
    expect(first).toBeGreaterThan(POOL / 8);
    expect(second).toBe(0);
    pool.giveBack(2, first, 'stream');
    expect(spendAll(pool, 2)).toBe(first);
  });

  test('every stream has its reserve, though the pool is used up', () => {
    const pool = new SendPool(POOL);
    for (let socket = 1; socket <= MAX_SOCKETS; socket++) {
      expect(spendAll(pool, socket)).toBeGreaterThanOrEqual(STREAM_RESERVE);
    }
    expect(pool.outstanding).toBeLessThanOrEqual(POOL + MAX_SOCKETS * STREAM_RESERVE);
  });

  test('the pool grants no crumbs', () => {
    const pool = new SendPool(10_000);
    const first = spendAll(pool, 1);
    pool.giveBack(1, 100, 'stream');
    expect(pool.allowance(1)).toBe(0);
    pool.giveBack(1, STREAM_RESERVE, 'stream');
    expect(pool.allowance(1)).toBe(STREAM_RESERVE + 100);
    expect(first).toBe(8000);
  });

  test('an allowance may be spent in parts', () => {
    const pool = new SendPool(POOL);
    const bytes = pool.allowance(1);
    for (let left = bytes; left > 0; left -= Math.min(left, 777)) pool.spend(1, Math.min(left, 777));
    expect(pool.outstanding).toBe(bytes);
    expect(codeOf(() => pool.spend(1, 1))).toBe('internal');
    expect(codeOf(() => pool.spend(2, -1))).toBe('internal');
    expect(codeOf(() => pool.spend(2, Number.NaN))).toBe('internal');
  });

  test('credit beyond what is outstanding is a fault for streams and cut for datagrams', () => {
    const pool = new SendPool(POOL);
    pool.spend(1, 100);
    pool.spend(2, 100);
    expect(codeOf(() => pool.giveBack(1, 101, 'stream'))).toBe('overrun');
    expect(codeOf(() => pool.giveBack(3, 1, 'stream'))).toBe('overrun');
    pool.giveBack(1, 100, 'stream');
    pool.giveBack(2, 50 + DATAGRAM_OVERHEAD, 'datagram');
    pool.giveBack(2, 1, 'datagram');
    pool.giveBack(3, 1, 'datagram');
    expect(pool.outstanding).toBe(0);
  });

  test('closing gives back all', () => {
    const pool = new SendPool(POOL);
    const first = spendAll(pool, 1);
    pool.close(1);
    pool.close(2);
    expect([pool.outstanding, pool.allowance(1)]).toEqual([0, first]);
  });

  test('grows, but never beyond POOL_MAX', () => {
    const pool = new SendPool(POOL);
    pool.grow(POOL);
    expect(pool.allowance(1)).toBe(Math.floor(2 * POOL * 0.8));
    pool.grow(Number.MAX_SAFE_INTEGER);
    expect(pool.allowance(1)).toBe(Math.floor(POOL_MAX * 0.8));
  });
});

describe('receiving', () => {
  /** Receives and consumes at once; the CREDITs it takes, telling after each. */
  const chatter = (pool: ReceivePool, socket: number, messages: number, bytes: number) => {
    let told = 0;
    for (let i = 0; i < messages; i++) {
      pool.received(socket, bytes);
      pool.consumed(socket, bytes);
      told += pool.takeCredits().length;
    }
    return told;
  };

  /** A pool of which a quarter is held by a reader that does not read: more than a sender could wait for. */
  const pressed = () => {
    const pool = new ReceivePool(POOL);
    pool.received(2, POOL / 4);
    return pool;
  };

  test('small messages are told by the half KiB', () => {
    expect(chatter(pressed(), 1, 800, 64)).toBe(100);
  });

  test('large ones each, when nothing is left', () => {
    expect(chatter(pressed(), 1, 100, 4096)).toBe(100);
  });

  test('while little is outstanding, by 16 KiB', () => {
    expect(chatter(new ReceivePool(POOL), 1, 8 * 256, 64)).toBe(8);
    expect(chatter(new ReceivePool(POOL), 1, 100, 4096)).toBe(25);
    expect(chatter(new ReceivePool(POOL), 1, 10, 100_000)).toBe(10);
  });

  test('what could wait is told once 48 KiB are outstanding', () => {
    const pool = new ReceivePool(POOL);
    expect(chatter(pool, 1, 100, 64)).toBe(0);
    pool.received(2, 48 * 1024 - 6400 - 1);
    expect(pool.due).toBe(false);
    pool.received(2, 1);
    expect(pool.due).toBe(true);
    expect(pool.takeCredits()).toEqual([[1, 6400]]);
  });

  test('a slow reader is told by the eighth of the pool, then by halves', () => {
    const pool = new ReceivePool(POOL);
    const held = 800 * 1024;
    pool.received(1, held);
    const told: number[] = [];
    for (let left = held; left > 0; left -= 1024) {
      pool.consumed(1, 1024);
      told.push(...pool.takeCredits().map(([, bytes]) => bytes));
    }
    expect(told[0]).toBe(POOL / 8);
    expect(told.length).toBeLessThan(20);
    const late = held - told.reduce((sum, bytes) => sum + bytes);
    expect(late).toBeLessThan(16 * 1024);
    expect(late).toBe(pool.untold);
  });

  test('rests of many sockets are told together', () => {
    const pool = new ReceivePool(POOL);
    let untold = 0;
    for (let socket = 1; socket <= MAX_SOCKETS; socket++) {
      pool.received(socket, 500);
      pool.consumed(socket, 500);
      untold += 500;
      for (const [, bytes] of pool.takeCredits()) untold -= bytes;
      expect(untold).toBeLessThan(POOL / 8);
    }
  });

  test('what closed sockets had not told is forgotten', () => {
    const pool = new ReceivePool(POOL);
    for (let socket = 1; socket <= 1000; socket++) {
      pool.received(socket, 500);
      pool.consumed(socket, 500);
      pool.close(socket);
    }
    pool.received(1001, 500);
    pool.consumed(1001, 500);
    expect(pool.takeCredits()).toEqual([]);
  });

  test('beyond pool and reserves is a fault', () => {
    const pool = new ReceivePool(POOL);
    pool.received(1, POOL + STREAM_RESERVE);
    for (let socket = 2; socket <= 50; socket++) pool.received(socket, STREAM_RESERVE);
    expect(codeOf(() => pool.received(50, 1))).toBe('overrun');
    const grown = new ReceivePool(POOL);
    grown.received(1, POOL);
    grown.grow(POOL);
    grown.received(1, POOL + STREAM_RESERVE);
    expect(codeOf(() => grown.received(1, 1))).toBe('overrun');
  });

  test('what is told or closed may be sent again', () => {
    const pool = new ReceivePool(POOL);
    for (let i = 0; i < 10; i++) {
      pool.received(1, POOL);
      pool.consumed(1, POOL);
      expect(pool.takeCredits()).toEqual([[1, POOL]]);
      pool.received(2, POOL);
      pool.close(2);
    }
    expect(pool.takeCredits()).toEqual([]);
  });

  test('datagrams are told but never a fault: after a resume their sender starts from zero', () => {
    const pool = new ReceivePool(POOL);
    pool.received(1, POOL * 3, 'datagram');
    pool.received(2, POOL);
    pool.consumed(1, POOL * 3);
    expect(pool.takeCredits()).toEqual([[1, POOL * 3]]);
  });

  test('consuming what has not come is a defect, of a closed socket nothing', () => {
    const pool = new ReceivePool(POOL);
    pool.received(1, 10);
    pool.consumed(1, 6);
    expect(codeOf(() => pool.consumed(1, 5))).toBe('internal');
    pool.close(1);
    pool.consumed(1, 4);
    pool.close(1);
    expect(pool.takeCredits()).toEqual([]);
  });
});

describe('sender and receiver', () => {
  const size = fc.oneof(fc.nat({ max: 3000 }), fc.nat({ max: 200_000 }));
  const reader: fc.Arbitrary<Reader | null> = fc.option(
    fc.record({ bytes: fc.integer({ min: 1, max: 20_000 }), every: fc.nat({ max: 50 }) }).map((each) => ({
      // A byte at a time would take for ever to compute.
      bytes: each.bytes + 200,
      every: each.every,
    })),
  );
  const streams = fc.array(fc.record({ size, reader, at: fc.nat({ max: 500 }) }), { minLength: 1, maxLength: 12 });
  const pool = fc.oneof(fc.integer({ min: 0, max: 20_000 }), fc.constant(65_536), fc.constant(POOL));

  test('never stand still while the reader reads, and never exceed pool and reserves', () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 100 }), { maxLength: 5 });
    fc.assert(
      fc.property(streams, pool, fc.nat({ max: 100 }), cuts, (each, bytes, latency, at) => {
        const pair = new Pair({ latency, pool: bytes, gather: true, cuts: at });
        for (const [index, stream] of each.entries()) {
          if (stream.reader) pair.client.readers.set(index + 1, stream.reader);
          pair.timeline.at(stream.at, () => pair.relay.write(index + 1, stream.size));
        }
        pair.run();
        for (const [index, stream] of each.entries()) {
          expect(pair.client.incoming.get(index + 1)?.received ?? 0).toBe(stream.size);
        }
        const most = bytes + each.length * STREAM_RESERVE;
        expect(pair.relay.peaks.outstanding).toBeLessThanOrEqual(most);
        expect(pair.client.peaks.unread).toBeLessThanOrEqual(most);
      }),
      { numRuns: 150 },
    );
  });

  test('frozen readers stop neither each other nor a stream that is read', () => {
    const pair = new Pair({ latency: 5, pool: POOL, gather: true });
    for (let socket = 1; socket <= 6; socket++) {
      pair.client.readers.set(socket, { bytes: 0, every: 0 });
      pair.relay.write(socket, 2 * POOL);
    }
    pair.relay.write(7, 2 * POOL);
    pair.run();
    expect(pair.client.incoming.get(7)?.received).toBe(2 * POOL);
    expect(pair.client.incoming.get(1)?.received).toBeLessThan(2 * POOL);
    expect(pair.client.peaks.unread).toBeLessThanOrEqual(POOL + 7 * STREAM_RESERVE);
  });

  test('a sender that follows no POOL is told before it waits', () => {
    const sender = new SendPool(POOL);
    const receiver = new ReceivePool(POOL);
    receiver.grow(POOL_MAX - POOL);
    const send = (socket: number): number => {
      const bytes = spendAll(sender, socket);
      receiver.received(socket, bytes);
      return bytes;
    };
    for (let round = 0; round < 400; round++) for (let socket = 2; socket <= 100; socket++) send(socket);
    for (let round = 0; round < 100; round++) {
      const bytes = send(1);
      expect(bytes).toBeGreaterThan(0);
      receiver.consumed(1, bytes);
      for (const [socket, back] of receiver.takeCredits()) sender.giveBack(socket, back, 'stream');
    }
  });

  test('a stream that is read alone moves a window of the pool per roundtrip', () => {
    const pair = new Pair({ latency: 50, pool: POOL, gather: true });
    pair.relay.write(1, 40 * POOL);
    pair.run();
    // The last of it is the last ACK.
    expect(pair.timeline.now).toBeLessThan(58 * 100 + ACK_MILLISECONDS);
    expect(pair.client.counts.credits).toBeLessThan(pair.relay.counts.data + 1);
  });

  test('frames stay large while many streams share the pool with small talk', () => {
    const pair = new Pair({ latency: 10, pool: POOL, gather: true });
    for (let socket = 1; socket <= 10; socket++) pair.relay.write(socket, 2 * POOL);
    for (let n = 0; n < 500; n++) {
      pair.timeline.at(n * 3, () => pair.relay.write(100 + (n % 50), 60));
    }
    pair.run();
    const bulk = pair.relay.counts.data - 500;
    expect((20 * POOL) / bulk).toBeGreaterThan(8192);
  });
});
