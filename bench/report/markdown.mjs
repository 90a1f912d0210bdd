/** docs/benchmarks.md of a run. */
import { readFileSync } from 'node:fs';
import { CASES } from '../cases/index.mjs';
import { CONTENDERS } from '../contenders/index.mjs';
import { judge } from './bars.mjs';
import { noiseOf } from './machine.mjs';
import { failures } from './stats.mjs';
import { cells, digits, named } from './table.mjs';

/** @typedef {import('../types.ts').Results} Results */

/** @param {Results} results @returns {string} */
export function markdown(results) {
  const part = (/** @type {string} */ name) =>
    readFileSync(new URL(`./text/${name}.md`, import.meta.url), 'utf8').trim();
  const sections = [
    '<!-- Written by `npm run bench`; its texts are in bench/report/text/. -->',
    part('head'),
    facts(results),
    '![Everyone beside ideal](images/benchmarks.svg)',
    bars(results),
    part('notes'),
    part('method'),
    ...tables(results),
  ];
  return `${sections.filter((text) => text !== '').join('\n\n')}\n`;
}

/** @param {Results} results */
function facts({ machine, rounds, seconds, noise }) {
  const told = Object.entries(machine).map(([name, value]) => `${name}: ${value}`);
  return `${told.join('; ')}. ${rounds} rounds, samples of ${seconds} s. ${noiseOf(noise)}`;
}

/** @param {Results} results */
function bars(results) {
  const rows = CASES.flatMap((case_) =>
    judge(case_.name, results.cases[case_.name] ?? {}).map(({ bar, found, met }) => [
      case_.title,
      named(case_, bar),
      `${bar.is} ${bar.bound}`,
      `${digits(found.median)} (${digits(found.min)} - ${digits(found.max)})`,
      met ? 'met' : '**missed**',
    ]),
  );
  if (rows.length === 0) return '';
  return `## Bars\n\n${table([['', 'what', 'bar', 'found', ''], ...rows], false)}`;
}

/** @param {Results} results */
function tables({ cases, absent }) {
  const away = Object.entries(absent).map(
    ([name, why]) => `${CONTENDERS[name]?.title ?? name} did not take part: ${why}.`,
  );
  const all = CASES.flatMap((case_) => {
    const samples = cases[case_.name];
    if (samples === undefined) return [];
    const failed = Object.entries(samples).flatMap(([name, own]) =>
      failures(own).map((why) => `${CONTENDERS[name]?.title ?? name} failed at least once: ${why}.`),
    );
    const plot = case_.name === 'growth' ? ['![What a message costs](images/benchmarks-growth.svg)'] : [];
    return [`### ${case_.title}`, table(cells(case_, samples)), ...plot, ...failed];
  });
  return ['## All figures', ...away, ...all];
}

/** @param {readonly string[][]} rows @param {boolean} [figures] Whether all but the first column are. */
function table([head = [], ...rows], figures = true) {
  const line = (/** @type {readonly string[]} */ row) => `| ${row.join(' | ')} |`;
  return [line(head), line(head.map((_, column) => (figures && column > 0 ? '---:' : '---'))), ...rows.map(line)].join(
    '\n',
  );
}
