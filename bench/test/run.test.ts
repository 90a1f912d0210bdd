/** The suite as its user starts it. The run is far too short for its figures to mean anything. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '../../scripts/lib/run.mjs';
import { CONTENDERS } from '../contenders/index.mjs';
import { parseOptions } from '../options.mjs';

const script = fileURLToPath(new URL('../../scripts/bench.mjs', import.meta.url));
const bench = (...args: string[]) => run(process.execPath, [script, ...args], { output: 'keep' });
/** It builds first where that is needed. */
const MILLISECONDS = 120_000;
/** Other tests are noise. */
const SHORT = ['--only', 'roundtrip', '--rounds', '1', '--seconds', '0.05', '--patience', '0'];
const known = { cases: ['roundtrip', 'cut'], contenders: ['ours', 'ideal'] };
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luasocket-web-bench-'));
});
afterAll(() => rm(folder, { recursive: true }));

it('measures everyone that is there', { timeout: MILLISECONDS }, async () => {
  const file = join(folder, 'out.json');
  const { code, output } = await bench(...SHORT, '--json', file);
  expect(code, output).toBe(0);
  expect(output).toContain('TCP round trip, 64 B (roundtrip)');
  expect(output).toMatch(/(met|MISSED) +p50 \/ ideal <= 1.05/);
  const { cases, absent, machine, noise } = JSON.parse(readFileSync(file, 'utf8'));
  expect(machine.Node).toBe(process.version);
  const present = Object.keys(CONTENDERS).filter((name) => name !== 'other' && !(name in absent));
  expect(present).toEqual(expect.arrayContaining(['ours', 'ideal', 'raw', 'wisp-js', 'wisp-server-node']));
  expect(Object.keys(cases.roundtrip)).toEqual(present);
  expect(noise).toMatchObject({ samples: present.length, again: 0 });
  expect(output).toContain(`Of ${present.length} samples ${noise.noisy} were taken in noise`);
  for (const name of present) {
    const [sample] = cases.roundtrip[name];
    expect(sample.figures?.p50, `${name}: ${sample.failed}`).toBeGreaterThan(0);
    expect(sample.figures.p99).toBeGreaterThanOrEqual(sample.figures.p50);
    expect(sample.figures.cpu).toBeGreaterThan(0);
  }
});

it('tells how it is used, and says what it does not understand', { timeout: MILLISECONDS }, async () => {
  const told = await bench('--help');
  expect(told.code).toBe(0);
  expect(told.output).toContain('--rounds N');
  const wrong = await bench('--loops', '3');
  expect(wrong.code).toBe(2);
  expect(wrong.output).toContain("'--loops'");
});

it('takes its options', () => {
  expect(
    parseOptions(
      ['--only', 'cut, roundtrip', '--rounds', '7', '--seconds', '0.5', '--patience', '0', '--write'],
      known,
    ),
  ).toEqual({
    only: ['cut', 'roundtrip'],
    contenders: [],
    rounds: 7,
    seconds: 0.5,
    patience: 0,
    json: null,
    versus: null,
    profile: null,
    write: true,
  });
});

it.each([
  ['--only', 'everything'],
  ['--contenders', 'theirs'],
  ['--rounds', '0'],
  ['--rounds', '1.5'],
  ['--rounds', ''],
  ['--seconds', 'long'],
  ['--seconds', '-1'],
  ['--patience', '-1'],
  ['--json'],
  ['stray'],
])('refuses %s %s', (...args) => {
  expect(parseOptions(args.map(String), known)).toHaveProperty('wrong');
});
