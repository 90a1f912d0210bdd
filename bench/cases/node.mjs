/** How each case is measured, in Node. */
import { loaded } from './loaded.mjs';
import { ANYWHERE } from './page.mjs';
import { streams } from './streams.mjs';

/** @type {Readonly<Record<string, import('../types.ts').Measure>>} */
const MEASURES = { ...ANYWHERE, streams, loaded };

/** @param {string} name */
export function measureOf(name) {
  const measure = MEASURES[name];
  if (measure === undefined) throw new Error(`no case ${name}`);
  return measure;
}
