/** From samples to figures: least, middle and most of each, and ratios round by round. */

/** @typedef {import('../types.ts').Figures} Figures */
/** @typedef {import('../types.ts').Metric} Metric */
/** @typedef {import('../types.ts').Sample} Sample */
/** @typedef {{ min: number, median: number, max: number, count: number }} Spread */

/** @param {readonly number[]} values @returns {Spread | null} Null of nothing. */
export function spread(values) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const { length } = sorted;
  if (length === 0) return null;
  const at = (/** @type {number} */ index) => sorted[index] ?? Number.NaN;
  const median = length % 2 === 1 ? at((length - 1) / 2) : (at(length / 2 - 1) + at(length / 2)) / 2;
  return { min: at(0), median, max: at(length - 1), count: length };
}

/** @param {readonly Sample[]} samples @param {string} key @returns {number[]} One a round; NaN where it failed. */
export const values = (samples, key) =>
  samples.map((sample) => ('figures' in sample ? (sample.figures[key] ?? Number.NaN) : Number.NaN));

/**
 * A metric over the rounds. One that is made of others is made of their medians, and its least and most are what it would be
 * without one round or another: of a single round's figures it would tell how far noise spreads them.
 * @param {readonly Sample[]} samples
 * @param {Pick<Metric, 'key' | 'of'>} metric
 * @returns {Spread | null}
 */
export function over(samples, { key, of }) {
  if (of === undefined) return spread(values(samples, key));
  const good = samples.flatMap((sample) => ('figures' in sample ? [sample.figures] : []));
  const made = (/** @type {readonly Figures[]} */ rounds) => of(medians(rounds));
  const median = made(good);
  if (!Number.isFinite(median)) return null;
  const without = good.length === 1 ? [] : good.map((left) => made(good.filter((figures) => figures !== left)));
  const all = [median, ...without].filter(Number.isFinite);
  return { min: Math.min(...all), median, max: Math.max(...all), count: good.length };
}

/** @param {readonly Figures[]} rounds @returns {Figures} */
function medians(rounds) {
  const keys = [...new Set(rounds.flatMap(Object.keys))];
  return Object.fromEntries(
    keys.map((key) => [key, spread(rounds.map((figures) => figures[key] ?? Number.NaN))?.median ?? Number.NaN]),
  );
}

/**
 * One contender's figure over another's. Each round by itself: the two were measured one after the other, and what else the
 * machine did then is in both.
 * @param {readonly Sample[]} ours
 * @param {readonly Sample[]} theirs
 * @param {string} key
 * @returns {Spread | null}
 */
export function ratio(ours, theirs, key) {
  const below = values(theirs, key);
  return spread(values(ours, key).map((value, round) => value / (below[round] ?? Number.NaN)));
}

/** @param {readonly Sample[]} samples @returns {string[]} What went wrong, each once. */
export const failures = (samples) => [
  ...new Set(samples.flatMap((sample) => ('failed' in sample ? [sample.failed] : []))),
];
