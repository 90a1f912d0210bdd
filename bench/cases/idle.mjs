/** Many streams that are opened, have answered one byte, and then do nothing. */
import { message, settle } from './measuring.mjs';

const STREAMS = 1000;
/** websockify forks for each. */
const FEWER = 100;

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
  for (let i = 0; i < 5; i++) await open();
  await settle(300);
  const count = bench.contender === 'websockify' ? FEWER : STREAMS;
  const before = await bench.cost();
  const from = performance.now();
  await Promise.all(Array.from({ length: count }, open));
  const milliseconds = performance.now() - from;
  await settle(500);
  const after = await bench.cost();
  return { open: (milliseconds / count) * 1000, rss: (after.rss - before.rss) / count };
}
