/** `npm run bench`: see options.mjs for its use. Needs a build, which scripts/bench.mjs has made. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CASES } from './cases/index.mjs';
import { CONTENDERS } from './contenders/index.mjs';
import { runAll } from './lib/run.mjs';
import { help, parseOptions } from './options.mjs';
import { machine, noiseOf } from './report/machine.mjs';
import { aligned, cells, remarks } from './report/table.mjs';
import { writeDocs } from './report/write.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const groups = new Set(CASES.flatMap(({ group }) => group ?? []));
const known = { cases: [...CASES.map(({ name }) => name), ...groups], contenders: Object.keys(CONTENDERS) };
const options = parseOptions(process.argv.slice(2), known);
if ('help' in options) {
  process.stdout.write(help(known.cases, known.contenders));
  process.exit(0);
}
if ('wrong' in options) {
  process.stderr.write(`${options.wrong}\n`);
  process.exit(2);
}

// Each program that was started listens for our end.
process.setMaxListeners(0);
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => process.exit(1));
// npm runs scripts elsewhere than where their user is.
const from = (/** @type {string} */ path) => resolve(process.env.INIT_CWD ?? '.', path);
const say = (/** @type {string} */ text) => void process.stdout.write(`${text}\n`);

const { only, rounds, seconds, patience } = options;
const cases = CASES.filter(
  ({ name, group = name }) => only.length === 0 || only.includes(name) || only.includes(group),
);
const wanted = options.contenders.length > 0 ? options.contenders : known.contenders;
const contenders = wanted.filter((name) => name !== 'other' || options.versus !== null);
const roots = { ours: ROOT, ...(options.versus === null ? {} : { other: from(options.versus) }) };
const profile = options.profile === null ? null : from(options.profile);

for (const [name, value] of Object.entries(machine())) say(`${name}: ${value}`);
say(`${rounds} rounds, samples of ${seconds} s; least - median - most, and the median of the rounds' ratios`);
const plan = { cases, contenders, rounds, seconds, patience, roots, profile };
const results = await runAll(plan, say, (case_, samples) => {
  say(`\n${case_.title} (${case_.name})\n${aligned(cells(case_, samples))}`);
  for (const line of remarks(case_, samples)) say(`  ${line}`);
});
say(`\n${noiseOf(results.noise)}`);
if (options.json !== null) writeFileSync(from(options.json), `${JSON.stringify(results, null, 1)}\n`);
if (options.write || (only.length === 0 && options.contenders.length === 0)) {
  writeDocs(results, `${ROOT}/docs`);
  say('\nWritten: docs/benchmarks.md and its plots.');
}
process.exit(0);
