import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { add, fromPlaywright, fromText, fromVitest, nothing, toText, withStatus } from '../lib/tally.mjs';

const folder = mkdtempSync(join(tmpdir(), 'luasocket-web-tally-'));
afterAll(() => rmSync(folder, { recursive: true }));

function report(content: unknown): string {
  const file = join(folder, 'report.json');
  writeFileSync(file, JSON.stringify(content));
  return file;
}

it('reads what Vitest and Playwright report', () => {
  const vitest = { numPassedTests: 5, numFailedTests: 1, numPendingTests: 2, numTodoTests: 1 };
  expect(fromVitest(report(vitest))).toEqual({ passed: 5, failed: 1, skipped: 3 });
  const playwright = { stats: { expected: 7, unexpected: 1, flaky: 1, skipped: 2 } };
  expect(fromPlaywright(report(playwright))).toEqual({ passed: 7, failed: 2, skipped: 2 });
});

it('reads the last line that counts', () => {
  expect(fromText('1 passed, 2 failed\n40 passed, 0 failed\n')).toEqual({ passed: 40, failed: 0, skipped: 0 });
  expect(fromText('40 passed, 0 failed, 3 skipped\n')).toEqual({ passed: 40, failed: 0, skipped: 3 });
});

it('takes silence and crashes for failures', () => {
  expect(withStatus(nothing(), 0).failed).toBe(1);
  expect(withStatus(fromVitest(join(folder, 'none.json')), 1).failed).toBe(1);
  expect(withStatus({ passed: 3, failed: 0, skipped: 0 }, 1).failed).toBe(1);
  expect(withStatus({ passed: 3, failed: 1, skipped: 0 }, 1).failed).toBe(1);
  expect(withStatus({ passed: 3, failed: 0, skipped: 0 }, 0).failed).toBe(0);
});

it('adds up, and says so in one line', () => {
  const sum = add({ passed: 1, failed: 2, skipped: 0 }, { passed: 3, failed: 0, skipped: 4 });
  expect(toText(sum)).toBe('4 passed, 2 failed, 4 skipped');
  expect(toText({ ...sum, skipped: 0 })).toBe('4 passed, 2 failed');
});
