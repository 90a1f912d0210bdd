/** Puts a run into docs/. */
import { writeFileSync } from 'node:fs';
import { markdown } from './markdown.mjs';
import { comparison, growthCurves } from './plot.mjs';

/** @param {import('../types.ts').Results} results @param {string} directory */
export function writeDocs(results, directory) {
  writeFileSync(`${directory}/benchmarks.md`, markdown(results));
  writeFileSync(`${directory}/images/benchmarks.svg`, comparison(results));
  writeFileSync(`${directory}/images/benchmarks-growth.svg`, growthCurves(results));
}
