/** What several cases measure with. Pure: pages import it too. */

/** @param {number} size @returns {Uint8Array<ArrayBuffer>} */
export const message = (size) => new Uint8Array(size).fill(120);

/** @param {readonly number[]} sorted @param {number} share 0..1 */
export const quantile = (sorted, share) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

/**
 * Sends and waits for the answer, again and again.
 * @param {number} seconds
 * @param {() => Promise<unknown>} exchange
 * @returns {Promise<number[]>} Microseconds of each, in order of length.
 */
export async function exchanges(seconds, exchange) {
  const times = [];
  const end = performance.now() + seconds * 1000;
  for (let now = performance.now(); now < end || times.length === 0; ) {
    await exchange();
    const then = performance.now();
    times.push((then - now) * 1000);
    now = then;
  }
  return times.sort((a, b) => a - b);
}

/** Lets what was closed go, so that it does not count in the next sample. @param {number} milliseconds */
export const settle = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const WARM_STREAMS = 10;
const WARM_ROUNDS = 2000;

/**
 * Lets the memory of a young relay grow to what any traffic takes: V8 enlarges its heap over some ten thousand messages, which
 * would be taken for the cost of what is measured.
 * @param {import('../types.ts').Client} client
 */
export async function warm(client) {
  const ping = message(64);
  const streams = await Promise.all(Array.from({ length: WARM_STREAMS }, () => client.stream('echo')));
  const talk = async (/** @type {import('../types.ts').Stream} */ stream) => {
    for (let round = 0; round < WARM_ROUNDS; round++) {
      await stream.write(ping);
      await stream.read(ping.length);
    }
    stream.close();
  };
  await Promise.all(streams.map(talk));
}
