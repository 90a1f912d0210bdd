/**
 * Keeps samples out of the noise of a machine that others share: for seconds to minutes whatever wakes a process may take three
 * to four times as long there, and a sample taken then tells of the machine and not of who was measured. So a probe that no
 * contender has part in goes before and after each sample, and what the hypervisor kept during it is looked at. Knows no clock,
 * no process and no case; noise makes nothing fail.
 */
import { spread } from '../report/stats.mjs';

/** @typedef {import('../types.ts').Sample} Sample */
/** @typedef {import('../types.ts').Gate} Gate */
/** @typedef {import('../types.ts').Processors} Processors */

/** Times the reference above which a probe is noisy. Quiet ones differ by 1.5, by the core that the kernel chooses. */
const NOISY = 1.6;
/** Probes that say at the start what quiet is, and seconds between them. */
const FIRST = { probes: 15, apart: 0.07 };
/**
 * Share of the time asked of the processors that the hypervisor may have kept during a sample. Where messages went to and fro it
 * was 0.03 at most when it was quiet, and 0.25 to 0.5 when it was not.
 */
const STOLEN = 0.1;
/** Seconds between looks while it is noisy. */
const STEP = 1;
/** Seconds that one sample may wait. */
const WAIT = 30;
/**
 * Seconds before a sample is taken again, and again; then it counts as it is. There are noises that a probe does not meet, since
 * it is less work than a sample: without a pause all three would be in the same one.
 */
const PAUSES = [5, 15];

/**
 * What a probe says when it is quiet: the median of the quieter half, which does not become noisy when half of the probes
 * are, and not small by one that was lucky.
 * @param {readonly number[]} probes
 */
export function reference(probes) {
  const sorted = [...probes].sort((a, b) => a - b);
  return spread(sorted.slice(0, Math.ceil(sorted.length / 2)))?.median ?? Number.POSITIVE_INFINITY;
}

/** @param {Processors} before @param {Processors} after @returns {number} NaN where nothing was asked for. */
const stolen = (before, after) => {
  const kept = after.stolen - before.stolen;
  return kept / (kept + after.used - before.used);
};

/**
 * @param {object} tools
 * @param {() => Promise<number>} tools.probe More is noisier.
 * @param {() => Processors} tools.processors
 * @param {(seconds: number) => Promise<unknown>} tools.sleep
 * @param {() => number} tools.now Seconds.
 * @param {number} patience Seconds that all waiting and all samples taken again may cost; 0: noise is counted and no more.
 * @returns {Promise<Gate>} Once it knows what quiet is.
 */
export async function openGate({ probe, processors, sleep, now }, patience) {
  /** @type {number[]} */
  const probes = [];
  const counts = { samples: 0, again: 0, noisy: 0 };
  let left = patience;
  for (let count = 0; count < FIRST.probes; count++) {
    probes.push(await probe());
    await sleep(FIRST.apart);
  }
  const quiet = async () => {
    const found = await probe();
    const is = found <= NOISY * reference(probes);
    // Only those that are: however long noise lasts, it never becomes what quiet is.
    if (is) probes.push(found);
    return is;
  };
  return {
    counts,
    async sample(prepare, take) {
      counts.samples++;
      let wait = WAIT;
      for (let again = 0; ; again++) {
        await prepare();
        let calm = await quiet();
        let from = now();
        while (!calm && Math.min(wait, left) >= STEP) {
          await sleep(STEP);
          calm = await quiet();
          const spent = now() - from;
          wait -= spent;
          left -= spent;
          from += spent;
        }
        const before = processors();
        const sample = await take();
        const kept = stolen(before, processors()) > STOLEN;
        // A failure is none of noise.
        if ('failed' in sample || (calm && !kept && (await quiet()))) return sample;
        const pause = PAUSES[again];
        if (!calm || pause === undefined || left < STEP) {
          counts.noisy++;
          return sample;
        }
        counts.again++;
        await sleep(Math.min(pause, left));
        left -= now() - from;
      }
    },
  };
}
