/** Runs a case: in each round everyone once, in an order that turns, so that what else the machine does meets all alike. */

/** @typedef {import('../types.ts').Sample} Sample */

/**
 * @template T
 * @param {readonly T[]} names
 * @param {number} round
 * @returns {T[]} The same names, begun with another.
 */
export function turned(names, round) {
  const first = names.length === 0 ? 0 : round % names.length;
  return [...names.slice(first), ...names.slice(0, first)];
}

/**
 * @param {readonly string[]} names
 * @param {{ warm: number, rounds: number }} plan Rounds that do not count, which go before the others, and those that do.
 * @param {(name: string, counts: boolean) => Promise<Sample>} measure
 * @param {(round: number, name: string, sample: Sample) => void} [tell]
 * @returns {Promise<Record<string, Sample[]>>}
 */
export async function interleave(names, { warm, rounds }, measure, tell = () => {}) {
  /** @type {Record<string, Sample[]>} */
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < warm + rounds; round++) {
    for (const name of turned(names, round)) {
      const sample = await measure(name, round >= warm);
      if (round < warm) continue;
      samples[name]?.push(sample);
      tell(round, name, sample);
    }
  }
  return samples;
}
