/** The table of concrete inputs that public mode must judge right. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { missesOf, readCases } from '../../src/policy/cases.ts';
import { NO_CLAIMS } from '../../src/policy/claims.ts';
import { PUBLIC } from '../../src/policy/public.ts';

const AROUND = { ownPorts: [8080], ownAddresses: [], services: [] };
const cases = readCases(readFileSync(new URL('./cases.json', import.meta.url), 'utf8'));

test('there are all of them', () => expect(cases).toHaveLength(184));

test.each(cases.map((one) => [one.id, one] as const))('%s', (_id, one) => {
  expect(missesOf(one, PUBLIC, AROUND)).toEqual([]);
});

test('without any claim everything is denied, but for harmless options', () => {
  const allowed = cases.filter((one) => missesOf({ ...one, expect: 'deny' }, NO_CLAIMS, AROUND).length > 0);
  expect(allowed.every(({ op }) => op === 'setoption')).toBe(true);
});

test('what is no list of cases is refused', () => {
  expect(() => readCases('{}')).toThrow('cases');
  expect(() => readCases('[{"id": "x"}]')).toThrow('case 0');
  expect(() => readCases('no')).toThrow();
});
