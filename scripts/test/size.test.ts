import { expect, it } from 'vitest';
import { excess } from '../lib/size.mjs';

const size = (name: string, gzip: number) => ({ name, bytes: gzip * 3, gzip });

it('says what is above its budget, and what has none', () => {
  const budgets = { core: 15_000, pump: 14_000 };
  expect(excess([size('core', 15_000), size('pump', 1)], budgets)).toEqual([]);
  expect(excess([size('core', 15_001), size('pump', 14_000)], budgets)).toEqual([
    'core is 1 bytes above its budget of 15000',
  ]);
  expect(excess([size('new', 1)], budgets)).toEqual(['new has no budget']);
});
