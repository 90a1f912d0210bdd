/** How each case is measured, in Node. */
import { cut } from './cut.mjs';
import { growth } from './growth.mjs';
import { idle } from './idle.mjs';
import { loaded } from './loaded.mjs';
import { freeze, frozen, slow } from './neighbour.mjs';
import { ANYWHERE } from './page.mjs';
import { streams } from './streams.mjs';

/** @type {Readonly<Record<string, import('../types.ts').Measure>>} */
const MEASURES = { ...ANYWHERE, streams, loaded, idle, slow, frozen, freeze, cut, growth };

/** @param {string} name */
export function measureOf(name) {
  const measure = MEASURES[name];
  if (measure === undefined) throw new Error(`no case ${name}`);
  return measure;
}
