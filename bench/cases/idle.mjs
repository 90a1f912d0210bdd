/** Many streams that are opened, have answered one byte, and then do nothing. Node only: the relay gets a signal. */
import { message, settle } from './measuring.mjs';

const STREAMS = 1000;
/** websockify forks for each. */
const FEWER = 100;
/** Share of them that is open before memory is compared, so that what a relay needs for any stream at all is not theirs. */
const BEFORE = 0.2;

/** @param {import('../types.ts').Bench} bench */
export async function idle(bench) {
  const client = await bench.dial();
  const byte = message(1);
  // wisp does not say that a stream is open: an answer does, of everyone.
  const open = async () => {
    const stream = await client.stream('echo');
    await stream.write(byte);
    await stream.read(1);
  };
  let milliseconds = 0;
  const openAll = async (/** @type {number} */ count) => {
    const from = performance.now();
    await Promise.all(Array.from({ length: count }, open));
    milliseconds += performance.now() - from;
  };
  const count = bench.contender === 'websockify' ? FEWER : STREAMS;
  await openAll(count * BEFORE);
  const before = await collected(bench);
  await openAll(count * (1 - BEFORE));
  const after = await collected(bench);
  return { open: (milliseconds / count) * 1000, rss: (after - before) / (count * (1 - BEFORE)) };
}

/** KiB of the relay without what is garbage, or would be soon. @param {import('../types.ts').Bench} bench */
async function collected({ place, cost }) {
  for (let round = 0; round < 3; round++) {
    process.kill(place.pid, 'SIGCONT');
    await settle(150);
  }
  return (await cost()).rss;
}
