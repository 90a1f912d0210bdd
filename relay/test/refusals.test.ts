/** How often a resume may fail. */
import { expect, test } from 'vitest';
import { LocalRefusals } from '../src/session/refusals.ts';

const tooMany = (refusals: LocalRefusals, address: string, now: number, times: number) =>
  Array.from({ length: times }, () => refusals.add(address, now)).filter((many) => many).length;

test('so many in a minute, for each address', () => {
  const refusals = new LocalRefusals(10);
  expect(tooMany(refusals, '192.0.2.1', 0, 15)).toBe(5);
  expect(tooMany(refusals, '192.0.2.2', 1000, 10)).toBe(0);
  expect(tooMany(refusals, '192.0.2.1', 59_999, 1)).toBe(1);
  expect(tooMany(refusals, '192.0.2.1', 60_000, 11)).toBe(1);
});

test('an IPv6 network of 64 bits is one address, an IPv4 address in IPv6 clothes its own', () => {
  const refusals = new LocalRefusals(1);
  expect(refusals.add('2001:db8:1:2::1', 0)).toBe(false);
  expect(refusals.add('2001:db8:1:2:ffff::9', 0)).toBe(true);
  expect(refusals.add('2001:db8:1:3::1', 0)).toBe(false);
  expect(refusals.add('::ffff:192.0.2.1', 0)).toBe(false);
  expect(refusals.add('::ffff:192.0.2.2', 0)).toBe(false);
  expect(refusals.add('::ffff:192.0.2.2', 0)).toBe(true);
});

test('a flood of addresses pushes out the oldest, and is not remembered without end', () => {
  const refusals = new LocalRefusals(1);
  refusals.add('192.0.2.1', 0);
  for (let n = 0; n < 10_000; n++) refusals.add(`10.0.${n >> 8}.${n & 255}`, 1);
  expect(refusals.add('192.0.2.1', 2)).toBe(false);
  expect(refusals.add('10.0.39.15', 2)).toBe(true);
});
