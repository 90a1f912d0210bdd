/** Scenarios on Defold's module that need no network of their own; `npm run parity -- --face defold` runs all. */
import { expect, test, vi } from 'vitest';
import { main } from './cli.ts';

const SCENARIOS =
  '06 07 11 13 14 15 16 17 18 19 20 22 23 24 25 27 29 30 31 32 33 36 42 43 45 46 47 48 50 56 58 59 60 62 63 68 72'.split(
    ' ',
  );

test('prints what LuaSocket prints', async () => {
  const said: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((text: string) => void said.push(text));
  await main(['--no-namespace', '--face', 'defold', ...SCENARIOS.flatMap((name) => ['--only', name])]);
  vi.restoreAllMocks();
  expect(said).toEqual([`${SCENARIOS.length} passed, 0 failed`]);
}, 120_000);
