/**
 * `npm test`: builds, then runs everything. `npm test -- unit` (or checks, packages, parity, e2e) runs parts of it.
 *
 * The last line is `N passed, N failed`, and the exit status is 1 if anything failed. Each check (formatting, types, ...)
 * counts as one. With CI set, a program that tests need and that is missing is a failure; else what needs it is skipped.
 *
 * End to end tests run two files at a time, each with a browser and a relay. Those tagged @timed, whose outcome depends on
 * how long things really take, come after the others and one by one.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPrograms, buildTypes } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { checkPackages } from './lib/packages.mjs';
import { ROOT } from './lib/paths.mjs';
import { chromium, isolation, missingPeers, which } from './lib/programs.mjs';
import { endWithNpm, run, runNode } from './lib/run.mjs';
import { add, fromPlaywright, fromText, fromVitest, nothing, toText, withStatus } from './lib/tally.mjs';

const NAMES = ['checks', 'unit', 'packages', 'parity', 'e2e'];
const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !NAMES.includes(name));
if (unknown.length > 0) {
  console.error(`There is no part called ${unknown.join(', ')}: ${NAMES.join(', ')}.`);
  process.exit(2);
}
const wants = (/** @type {string} */ name) => chosen.length === 0 || chosen.includes(name);
const inCi = Boolean(process.env.CI) && process.env.CI !== 'false';

const tool = (/** @type {string} */ path) => join(ROOT, 'node_modules', path);
const VITEST = tool('vitest/vitest.mjs');
const PLAYWRIGHT = tool('@playwright/test/cli.js');
/** The tag of tests whose outcome depends on real short times. */
const TIMED = '@timed';
/** How many random scenarios are compared with LuaSocket, always the same ones: some seconds' worth. */
const RANDOM = '100';

let total = nothing();
/** @type {string[]} */
const failures = [];

/**
 * @param {string} name
 * @param {import('./lib/tally.mjs').Tally} tally
 */
function count(name, tally) {
  total = add(total, tally);
  if (tally.failed > 0) failures.push(name);
  console.log(`--- ${name}: ${toText(tally)}`);
}

/**
 * @param {string} name
 * @param {boolean} passed
 */
const countCheck = (name, passed) => count(name, { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 });

/** @param {string} reason */
function countMissing(reason) {
  console.log(reason);
  count('missing', inCi ? { passed: 0, failed: 1, skipped: 0 } : { passed: 0, failed: 0, skipped: 1 });
}

endWithNpm();
await ensureInstalled();
const built = await buildPrograms();
const typed = await buildTypes();
countCheck('build', built);
countCheck('types (tsc)', typed);

const reports = mkdtempSync(join(tmpdir(), 'luasocket-web-test-'));
try {
  if (wants('checks')) await checks();
  if (wants('packages') && built && typed) await packages();
  if (built) await tests();
} finally {
  rmSync(reports, { recursive: true, force: true });
}
if (failures.length > 0) console.log(`Failed: ${failures.join(', ')}`);
console.log(toText(total));
process.exitCode = total.failed > 0 ? 1 : 0;

async function checks() {
  const { code: biome } = await run(process.execPath, [
    tool('@biomejs/biome/bin/biome'),
    'check',
    '--error-on-warnings',
    '.',
  ]);
  countCheck('format, lint and walls (biome)', biome === 0);
  const { code: knip } = await run(process.execPath, [tool('knip/bin/knip.js')]);
  countCheck('nothing unused (knip)', knip === 0);
  const { code: reference } = await runNode(join(ROOT, 'docs/node_modules/typedoc/bin/typedoc'), [
    '--options',
    join(ROOT, 'docs/typedoc.json'),
    '--emit',
    'none',
  ]);
  countCheck('the API reference (typedoc)', reference === 0);
}

async function packages() {
  for (const { name, passed } of await checkPackages()) countCheck(name, passed);
  const { code: size } = await runNode(join(ROOT, 'scripts/size.mjs'), []);
  countCheck('luasocket-web is no larger than its budgets (size)', size === 0);
}

async function tests() {
  const isolated = await isolation();
  const peers = await missingPeers();
  if (peers.length > 0 && (wants('e2e') || wants('parity'))) countMissing(`Missing: ${peers.join(', ')}.`);

  if (wants('unit')) {
    const report = join(reports, 'vitest.json');
    const args = [VITEST, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const { code } = await run(...isolated(process.execPath, args));
    count('unit (vitest)', withStatus(fromVitest(report), code));
  }
  if (wants('parity')) {
    // --live compares with the LuaSocket that is installed here, too.
    const args = [join(ROOT, 'scripts/parity.mjs'), ...(which('lua5.1') === undefined ? [] : ['--live'])];
    const { code, output } = await run(process.execPath, args, { output: 'both' });
    count('parity with LuaSocket', withStatus(fromText(output), code));
    // These have no stored transcripts; without a LuaSocket, which `peers` tells of, there is nothing to compare with.
    if (!peers.some((peer) => peer.includes('lua'))) {
      const random = await run(process.execPath, [join(ROOT, 'scripts/parity.mjs'), '--random', RANDOM], {
        output: 'both',
      });
      count('parity with LuaSocket in random scenarios', withStatus(fromText(random.output), random.code));
    }
  }
  if (wants('e2e')) {
    const path = await chromium();
    if (path === undefined) {
      countMissing('Without a Chromium there are no end-to-end tests.');
      return;
    }
    const playwright = async (/** @type {string} */ name, /** @type {string[]} */ ...which) => {
      const report = join(reports, `playwright ${name}.json`);
      const env = { ...process.env, CHROMIUM_PATH: path, PLAYWRIGHT_JSON_OUTPUT_NAME: report };
      const args = [PLAYWRIGHT, 'test', '--config', join(ROOT, 'e2e/playwright.config.ts'), ...which];
      const { code } = await run(...isolated(process.execPath, args), { env });
      count(name, withStatus(fromPlaywright(report), code));
    };
    await playwright('end to end (Playwright)', '--grep-invert', TIMED);
    await playwright('end to end, one by one (Playwright)', '--grep', TIMED, '--workers', '1');
  }
}
