/** Counts what passed, failed and was skipped, from the reports of the tools that ran the tests. */
import { existsSync, readFileSync } from 'node:fs';

/**
 * @typedef {object} Tally
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 */

/** @returns {Tally} */
export const nothing = () => ({ passed: 0, failed: 0, skipped: 0 });

/**
 * @param {Tally} a
 * @param {Tally} b
 * @returns {Tally}
 */
export const add = (a, b) => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
});

/**
 * A tool that failed without a failed test (a file that does not load, a crash) or ran no test has failed too.
 * @param {Tally} tally
 * @param {number} code The tool's exit status.
 * @returns {Tally}
 */
export function withStatus(tally, code) {
  const silent = tally.failed === 0 && (code !== 0 || tally.passed + tally.skipped === 0);
  return silent ? add(tally, { passed: 0, failed: 1, skipped: 0 }) : tally;
}

/**
 * @param {string} file Vitest's JSON report.
 * @returns {Tally}
 */
export function fromVitest(file) {
  if (!existsSync(file)) return nothing();
  const report = JSON.parse(readFileSync(file, 'utf8'));
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/**
 * @param {string} file Playwright's JSON report. A test that passed at a second try only counts as failed.
 * @returns {Tally}
 */
export function fromPlaywright(file) {
  if (!existsSync(file)) return nothing();
  const { stats } = JSON.parse(readFileSync(file, 'utf8'));
  return { passed: stats.expected, failed: stats.unexpected + stats.flaky, skipped: stats.skipped };
}

/**
 * @param {string} output That holds a line `N passed, N failed`, perhaps with `, N skipped`; the last one counts.
 * @returns {Tally}
 */
export function fromText(output) {
  const match = [...output.matchAll(/(\d+) passed, (\d+) failed(?:, (\d+) skipped)?/g)].at(-1);
  return match === undefined
    ? nothing()
    : { passed: Number(match[1]), failed: Number(match[2]), skipped: Number(match[3] ?? 0) };
}

/** @param {Tally} tally */
export function toText({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
