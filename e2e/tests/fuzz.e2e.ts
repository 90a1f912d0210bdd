/** A short fuzz run; `npm run fuzz` is the long one. */

import { expect, test } from '../fixtures/test.ts';
import { runFuzz } from '../fuzz/run.ts';

test('a relay under 5,000 odd and bad messages and every flood lives, lets go of all of it, and a neighbour plays on', async () => {
  test.setTimeout(300_000);
  const { checks, phases } = await runFuzz({ messages: 5000, seed: 5, floodSeconds: 0.5, attackers: 2 });
  expect(checks.filter(({ wrong }) => wrong !== null)).toEqual([]);
  expect(phases.length).toBeGreaterThan(10);
});
