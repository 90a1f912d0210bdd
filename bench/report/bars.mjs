/** What is aimed at, as a bar for each figure. Missing one is said and nothing more: a time is no error. */
import { CASES } from '../cases/index.mjs';
import { over, ratio } from './stats.mjs';

/** @typedef {import('../types.ts').Sample} Sample */
/** @typedef {import('./stats.mjs').Spread} Spread */

/**
 * @typedef {object} Bar
 * @property {string} case
 * @property {string} key Of the metric.
 * @property {string | null} to The contender that ours is divided by; null: the figure itself.
 * @property {'<=' | '>='} is
 * @property {number} bound
 */

/** MiB that a session may have on its way to its client: `--limits-download`. */
const WINDOW = 1;

/** @type {(name: string, key: string, to: string | null, is: '<=' | '>=', bound: number) => Bar} */
const bar = (name, key, to, is, bound) => ({ case: name, key, to, is, bound });

/** @type {readonly Bar[]} */
export const BARS = [
  bar('roundtrip', 'cpu', 'ideal', '<=', 1.0),
  bar('roundtrip', 'p50', 'ideal', '<=', 1.05),
  bar('udp-roundtrip', 'p50', 'ideal', '<=', 1.05),
  bar('download', 'rate', 'ideal', '>=', 1.1),
  bar('download', 'cpu', 'ideal', '<=', 0.65),
  bar('download', 'rate', 'wisp-js', '>=', 1.4),
  bar('upload', 'rate', 'ideal', '>=', 0.95),
  bar('upload', 'cpu', 'ideal', '<=', 1.05),
  bar('streams', 'rate', 'wisp-js', '>=', 2.0),
  bar('streams', 'cpu', 'wisp-js', '<=', 0.5),
  bar('loaded', 'worse', null, '<=', 3),
  bar('idle', 'rss', null, '<=', 10),
  bar('idle', 'open', 'wisp-js', '<=', 1),
  bar('slow', 'growth', null, '<=', WINDOW + 8),
  bar('slow', 'worse', null, '<=', 2),
  bar('frozen', 'growth', null, '<=', WINDOW + 8),
  bar('frozen', 'worse', null, '<=', 2),
  bar('cut', 'lost', null, '<=', 0),
  bar('cut', 'streams', null, '<=', 0),
  bar('browser-roundtrip', 'p50', 'ideal', '<=', 1.08),
  bar('browser-download', 'rate', 'ideal', '>=', 0.95),
  bar('browser-upload', 'rate', 'ideal', '>=', 0.9),
  // One a message, as everyone but us sends them.
  bar('browser-datagrams', 'rate', 'ideal', '>=', 10),
  bar('growth', 'sockets', null, '<=', 1.5),
  bar('growth', 'sessions', null, '<=', 1.5),
  bar('growth', 'sizes', null, '<=', 1.5),
];

/** @typedef {{ bar: Bar, found: Spread, met: boolean }} Verdict */

/**
 * @param {string} name Of the case.
 * @param {Readonly<Record<string, readonly Sample[]>>} samples
 * @returns {Verdict[]} Of the bars whose figures are there. The median decides.
 */
export function judge(name, samples) {
  const ours = samples.ours ?? [];
  const metrics = CASES.find((case_) => case_.name === name)?.metrics;
  return BARS.filter((each) => each.case === name).flatMap((each) => {
    const found =
      each.to === null
        ? over(ours, metrics?.find(({ key }) => key === each.key) ?? each)
        : ratio(ours, samples[each.to] ?? [], each.key);
    if (found === null) return [];
    return [{ bar: each, found, met: each.is === '<=' ? found.median <= each.bound : found.median >= each.bound }];
  });
}
