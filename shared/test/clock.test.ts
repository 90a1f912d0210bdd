/** The estimate of the other end's clock under made-up clocks. */
import { ClockEstimate } from '@luasocket-web/shared/clock';
import fc from 'fast-check';
import { expect, test } from 'vitest';

test('before any probe it is the local clock', () => {
  const clock = new ClockEstimate();
  expect([clock.offset, clock.now(12)]).toEqual([0, 12]);
});

test('half of the roundtrip is taken for the way back', () => {
  const clock = new ClockEstimate();
  clock.sample(100, 102, 5000);
  expect(clock.offset).toBe(4899);
  expect(clock.now(102)).toBe(5001);
});

test('the probe with the smallest roundtrip counts, the newest of equal ones', () => {
  const clock = new ClockEstimate();
  clock.sample(0, 4, 1000);
  expect(clock.offset).toBe(998);
  clock.sample(10, 11, 1010);
  expect(clock.offset).toBe(999.5);
  clock.sample(20, 28, 1020);
  expect(clock.offset).toBe(999.5);
  clock.sample(30, 31, 1031);
  expect(clock.offset).toBe(1000.5);
});

test('a probe is forgotten after seven more, so that drift cannot make the best of them wrong', () => {
  const clock = new ClockEstimate();
  clock.sample(0, 0.001, 1000);
  for (let i = 1; i <= 7; i++) {
    expect(clock.offset).toBeCloseTo(1000, 2);
    clock.sample(i, i + 0.01, 2000 + i);
  }
  clock.sample(8, 8.01, 2008);
  expect(clock.offset).toBeCloseTo(2000, 1);
});

test.each([
  ['ends before it began', 2, 1, 5],
  ['not a number', 1, 2, Number.NaN],
  ['infinite', 1, 2, Number.POSITIVE_INFINITY],
  ['local not a number', Number.NaN, 2, 5],
])('a probe is passed over: %s', (_name, sentAt, receivedAt, theirTime) => {
  const clock = new ClockEstimate();
  clock.sample(0, 0, 7);
  clock.sample(sentAt, receivedAt, theirTime);
  expect(clock.offset).toBe(7);
});

test('an estimate that ran ahead goes on at half the pace until it is right', () => {
  const clock = new ClockEstimate();
  clock.sample(0, 1, 1000.5);
  expect(clock.now(1)).toBe(1001);
  clock.sample(2, 2, 1001);
  expect(clock.offset).toBe(999);
  expect([2, 2.5, 3, 4, 5].map((local) => clock.now(local))).toEqual([1001.5, 1001.75, 1002, 1003, 1004]);
});

test('never runs backwards, and within the roundtrip of the truth once settled', () => {
  const step = fc.record({
    passed: fc.double({ min: 0, max: 5, noNaN: true }),
    out: fc.double({ min: 0, max: 2, noNaN: true }),
    back: fc.double({ min: 0, max: 2, noNaN: true }),
    asked: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step), fc.double({ min: -1e9, max: 1e9, noNaN: true }), (steps, truth) => {
      const clock = new ClockEstimate();
      let local = 0;
      let last = Number.NEGATIVE_INFINITY;
      let smallest = Number.POSITIVE_INFINITY;
      for (const { passed, out, back, asked } of steps) {
        local += passed;
        if (asked) {
          const now = clock.now(local);
          expect(now).toBeGreaterThanOrEqual(last);
          last = now;
        } else {
          clock.sample(local, local + out + back, truth + local + out);
          local += out + back;
          smallest = Math.min(smallest, out + back);
        }
      }
      if (smallest === Number.POSITIVE_INFINITY) return;
      for (let i = 0; i < 8; i++) clock.sample(local, local + smallest, truth + local + smallest / 2);
      expect(Math.abs(clock.offset - truth)).toBeLessThan(1e-6);
    }),
  );
});

test('a local clock that is set back does not set it back', () => {
  const clock = new ClockEstimate();
  clock.sample(0, 0, 1000);
  expect([clock.now(10), clock.now(5), clock.now(10), clock.now(11)]).toEqual([1010, 1010, 1010, 1011]);
});
