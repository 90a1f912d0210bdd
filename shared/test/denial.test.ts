/** Denials as text, there and back. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { denialText, readDenial } from '../src/denial.ts';

test('a denial is read as it was written', () => {
  const operation = fc.stringMatching(/^[a-z]{1,12}$/);
  const target = fc.option(fc.stringMatching(/^[a-z0-9.:[\]-]{1,300}$/));
  const reason = fc.stringMatching(/^[a-z0-9 ’]{1,80}$/);
  fc.assert(
    fc.property(fc.record({ operation, target, reason }), (denial) => {
      expect(readDenial(denialText(denial))).toEqual(denial);
    }),
  );
});

test('a target that would confuse is left out', () => {
  for (const target of ['', 'two words', 'a\nb', 'x'.repeat(301)]) {
    expect(denialText({ operation: 'resolve', target, reason: 'no' })).toBe('resolve: no');
  }
});

test.each(['', 'permission denied', 'connect', 'connect 1 2: 3'])('%j is no denial', (text) => {
  expect(readDenial(text)).toBeNull();
});
