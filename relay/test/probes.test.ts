/** PINGs and their PONGs: the smallest round trip, a few at the start, and answers that nobody asked for. */
import { expect, test } from 'vitest';
import { Probes } from '../src/session/probes.ts';

test('the smallest round trip counts; the first answers call for another probe', () => {
  const probes = new Probes();
  expect(probes.roundtrip).toBeNull();
  const times = [30, 20, 50, 40];
  const more = times.map((time, i) => probes.answered(probes.begin(1000 * i), 1000 * i + time));
  expect(more).toEqual([true, true, false, false]);
  expect(probes.roundtrip).toBe(20);
});

test('answers that are made up, given twice, or very late tell nothing', () => {
  const probes = new Probes();
  expect(probes.answered(1, 0)).toBe(false);
  const first = probes.begin(0);
  for (let i = 1; i <= 8; i++) probes.begin(i);
  expect(probes.answered(first, 9)).toBe(false);
  expect(probes.answered(first + 9, 9)).toBe(false);
  expect(probes.roundtrip).toBeNull();
  expect(probes.answered(first + 8, 100)).toBe(true);
  expect(probes.answered(first + 8, 101)).toBe(false);
  expect(probes.roundtrip).toBe(92);
});
