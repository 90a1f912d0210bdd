import { describe, expect, it } from 'vitest';
import { Args } from '../../src/core/args.ts';
import { BINARY_STRINGS } from '../../src/core/strings.ts';
import { Timeout } from '../../src/core/timeout.ts';

const args = (...values: unknown[]) => new Args('settimeout', values, BINARY_STRINGS);

function limits(block: number, total: number): Timeout {
  const timeout = new Timeout(block, total);
  timeout.markStart(100);
  return timeout;
}

describe('a wait', () => {
  it.each([
    ['has no limit without one', -1, -1, 100, Number.POSITIVE_INFINITY],
    ['has none for any negative number', -0.5, -7, 100, Number.POSITIVE_INFINITY],
    ['ends with the block limit, counted from the start of the call', 0.5, -1, 100.25, 0.25],
    ['has no time left after it', 0.5, -1, 101, 0],
    ['ends with the total limit', -1, 0.5, 100.25, 0.25],
    ['takes up to the block limit each time, with both', 0.25, 5, 102, 0.25],
    ['and no longer than the total', 0.25, 0.375, 100.25, 0.125],
    ['is cut to milliseconds', 0.0129, -1, 100, 0.012],
    ['is none below one millisecond', 0.0009, -1, 100, 0],
    ['is none for zero', 0, -1, 100, 0],
    ['is none for zero, whatever the total', 0, 5, 100, 0],
    ['is none for a total of zero', -1, 0, 100, 0],
    ['is none for what is no number', Number.NaN, -1, 100, 0],
    ['has no limit where an int of milliseconds has none', 3e6, -1, 100, Number.POSITIVE_INFINITY],
    ['has no limit for infinity', Number.POSITIVE_INFINITY, -1, 100, Number.POSITIVE_INFINITY],
  ])('%s', (_, block, total, now, expected) => {
    expect(limits(block, total).patience(now)).toBeCloseTo(expected, 9);
  });

  it('is not even begun when the block limit is zero', () => {
    expect(limits(0, 5).isZero).toBe(true);
    expect(limits(-1, 0).isZero).toBe(false);
  });
});

describe('settimeout', () => {
  it.each([
    ['the block limit by default', [1], 1],
    ['the block limit for any word with b', [1, 'block'], 1],
    ['the total for t', [1, 'total'], 1],
    ['the total for r', [1, 'r'], 1],
    ['from a numeric string', ['1'], 1],
    ['no limit for nil', [null], Number.POSITIVE_INFINITY],
    ['no limit for nothing', [], Number.POSITIVE_INFINITY],
  ])('sets %s', (_, values, expected) => {
    const timeout = new Timeout();
    expect(timeout.set(args(...values))).toEqual([1]);
    timeout.markStart(0);
    expect(timeout.patience(0)).toBe(expected);
  });

  it('leaves the other limit alone', () => {
    const timeout = new Timeout();
    timeout.set(args(2, 't'));
    timeout.set(args(null, 'b'));
    timeout.markStart(0);
    expect(timeout.patience(0)).toBe(2);
  });

  it.each([
    [[1, 'x'], "bad argument #2 to 'settimeout' (invalid timeout mode)"],
    [[1, ''], "bad argument #2 to 'settimeout' (invalid timeout mode)"],
    [['x'], "bad argument #1 to 'settimeout' (number expected, got string)"],
    [[true], "bad argument #1 to 'settimeout' (number expected, got boolean)"],
    [[1, {}], "bad argument #2 to 'settimeout' (string expected, got table)"],
  ])('raises for %j', (values, message) => {
    expect(() => new Timeout().set(args(...values))).toThrow(message);
  });
});
