/** How pools grow: as far as bandwidth and distance ask for it, step by step, and never for a queue of our own. */
import { POOL_INITIAL, POOL_MAX } from '@luasocket-web/shared/limits';
import { WindowTuner } from '@luasocket-web/shared/window';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const STEP = 65_536;

/** A pool and its tuner, and what happened to them. */
class Receiver {
  size: number;
  readonly tuner: WindowTuner;
  /** Sizes that it had, and when it grew. */
  readonly history: number[] = [];
  readonly grewAt: number[] = [];
  now = 1000;

  constructor(size = POOL_INITIAL) {
    this.size = size;
    this.tuner = new WindowTuner(this);
  }

  took(bytes: number, roundtrip: number | null): void {
    const more = this.tuner.took(bytes, this.now, roundtrip);
    this.history.push(this.size);
    if (more > 0) this.grewAt.push(this.now);
    this.size += more;
  }

  /**
   * A bulk transfer of so many milliseconds: what is held back by the pool comes once a round trip, 4/5 of it, in
   * eighths; `bandwidth` in bytes a millisecond.
   */
  transfer(milliseconds: number, roundtrip: number, bandwidth: number): void {
    const end = this.now + milliseconds;
    while (this.now < end) {
      const portion = this.size / 8;
      const byWindow = roundtrip / ((0.8 * this.size) / portion);
      this.now += Math.max(byWindow, portion / bandwidth);
      this.took(portion, roundtrip);
    }
  }
}

const distances = fc.double({ min: 5, max: 400, noNaN: true });

describe('a pool', () => {
  test('that is all that holds a transfer back grows to the most within nine intervals', () => {
    for (const roundtrip of [10, 50, 200]) {
      const receiver = new Receiver();
      receiver.transfer(9 * 1.2 * Math.max(100, 2 * roundtrip), roundtrip, Number.POSITIVE_INFINITY);
      expect([roundtrip, receiver.size]).toEqual([roundtrip, POOL_MAX]);
    }
  });

  test('grows to twice what is on its way, and stays there', () => {
    fc.assert(
      fc.property(distances, fc.double({ min: 1024, max: 200_000, noNaN: true }), (roundtrip, bandwidth) => {
        const product = roundtrip * bandwidth;
        const receiver = new Receiver();
        receiver.transfer(40 * Math.max(100, 2 * roundtrip), roundtrip, bandwidth);
        expect(receiver.size).toBeGreaterThanOrEqual(Math.min(POOL_MAX, product));
        // A portion more or less may fall into an interval.
        const most = Math.max(POOL_INITIAL, 2 * product * 1.3 + STEP);
        expect(receiver.size).toBeLessThanOrEqual(Math.min(POOL_MAX, most));
      }),
    );
  });

  test('never shrinks, never passes the most, at most doubles, and rests between steps', () => {
    const events = fc.array(
      fc.record({
        bytes: fc.nat(POOL_MAX),
        after: fc.double({ min: 0, max: 300, noNaN: true }),
        roundtrip: fc.option(fc.double({ min: 0, max: 1000, noNaN: true })),
      }),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(events, fc.integer({ min: STEP, max: POOL_MAX }), (all, size) => {
        const receiver = new Receiver(size);
        for (const { bytes, after, roundtrip } of all) {
          receiver.now += after;
          receiver.took(bytes, roundtrip);
        }
        const sizes = [...receiver.history, receiver.size];
        for (let i = 1; i < sizes.length; i++) {
          expect(sizes[i]).toBeGreaterThanOrEqual(sizes[i - 1] ?? 0);
          expect(sizes[i]).toBeLessThanOrEqual(2 * (sizes[i - 1] ?? 0));
        }
        expect(receiver.size).toBeLessThanOrEqual(POOL_MAX);
        for (let i = 1; i < receiver.grewAt.length; i++) {
          expect((receiver.grewAt[i] ?? 0) - (receiver.grewAt[i - 1] ?? 0)).toBeGreaterThanOrEqual(100);
        }
      }),
    );
  });

  test('stays as it is while less than half of it is on its way', () => {
    fc.assert(
      fc.property(distances, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (roundtrip, part) => {
        const receiver = new Receiver();
        // Bytes in a millisecond that make so much of half a pool in a round trip.
        const rate = (part * POOL_INITIAL) / 2 / roundtrip;
        for (let i = 0; i < 2000; i++) {
          receiver.now += 1;
          receiver.took(rate, roundtrip);
        }
        expect(receiver.size).toBe(POOL_INITIAL);
      }),
    );
  });

  test('stays as it is for a program that lets it fill and then takes all at once', () => {
    fc.assert(
      fc.property(distances, fc.double({ min: 0, max: 5000, noNaN: true }), (roundtrip, pause) => {
        const receiver = new Receiver();
        for (let i = 0; i < 50; i++) {
          receiver.now += Math.max(pause, 2 * roundtrip, 100);
          receiver.took(0.999 * POOL_INITIAL, roundtrip);
        }
        expect(receiver.size).toBe(POOL_INITIAL);
      }),
    );
  });

  test('does not grow near by, however fast it goes, nor while the distance is not known', () => {
    for (const roundtrip of [0, 0.1, 4.9, null]) {
      const receiver = new Receiver();
      for (let i = 0; i < 2000; i++) {
        receiver.now += 1;
        receiver.took(10 * POOL_INITIAL, roundtrip);
      }
      expect([roundtrip, receiver.size]).toEqual([roundtrip, POOL_INITIAL]);
    }
  });

  test('that may grow no further by its owner’s will asks again, and counts what it has', () => {
    const receiver = new Receiver();
    const asked: number[] = [];
    for (let i = 0; i < 1000; i++) {
      receiver.now += 1;
      const more = receiver.tuner.took((0.8 * POOL_INITIAL) / 50, receiver.now, 50);
      if (more > 0) asked.push(more);
    }
    expect(asked).toHaveLength(9);
    expect(new Set(asked).size).toBe(1);
  });
});
