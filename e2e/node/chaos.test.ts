/** A short chaos run; `npm run chaos` is the long one. */
import { expect, test } from 'vitest';
import { runChaos } from '../chaos/run.ts';

test('a network that is cut 40 times loses, doubles and repeats nothing', { timeout: 120_000 }, async () => {
  const { figures, checks } = await runChaos({ cuts: 40, seed: 5 });
  expect(checks.filter(({ wrong }) => wrong !== null)).toEqual([]);
  expect(figures).toMatchObject({ cutCount: 40, lost: 0, doubled: 0, reordered: 0, twice: 0 });
  expect(figures.resumes).toBeGreaterThan(10);
});
