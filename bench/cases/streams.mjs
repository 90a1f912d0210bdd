/** 200 streams, each with 64 bytes on their way to an echo server or back, all at once. */
import { message } from './measuring.mjs';

const STREAMS = 200;
const SIZE = 64;

/** @param {import('../types.ts').Bench} bench */
export async function streams(bench) {
  const client = await bench.dial();
  const all = await Promise.all(Array.from({ length: STREAMS }, () => client.stream('echo')));
  const ping = message(SIZE);
  let messages = 0;
  let running = true;
  const loops = all.map(async (stream) => {
    while (running) {
      await stream.write(ping);
      await stream.read(SIZE);
      messages++;
    }
  });
  const wait = (/** @type {number} */ seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const failed = Promise.all(loops);
  await Promise.race([wait(bench.seconds / 5), failed]);
  const before = await bench.cost();
  const first = messages;
  const from = performance.now();
  await Promise.race([wait(bench.seconds), failed]);
  const after = await bench.cost();
  const seconds = (performance.now() - from) / 1000;
  const count = messages - first;
  running = false;
  await failed;
  for (const stream of all) stream.close();
  return { rate: count / seconds, cpu: ((after.cpu - before.cpu) / count) * 1e6 };
}
