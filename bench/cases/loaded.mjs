/** 64 bytes to an echo server and back, while the same client downloads as fast as it can. */
import { sourceRequest } from '../peers/wire.mjs';
import { exchanges, message, quantile, settle } from './measuring.mjs';

const PIECE = 65_536;

/** @param {import('../types.ts').Bench} bench */
export async function loaded(bench) {
  const client = await bench.dial();
  const stream = await client.stream('echo');
  const ping = message(64);
  const exchange = async () => {
    await stream.write(ping);
    await stream.read(64);
  };
  await exchanges(bench.seconds / 10, exchange);
  const quiet = await exchanges(bench.seconds / 2, exchange);
  const bulk = await client.stream('source');
  await bulk.write(sourceRequest(0));
  let bytes = 0;
  let running = true;
  const reading = (async () => {
    while (running) {
      await bulk.read(PIECE);
      bytes += PIECE;
    }
  })();
  await Promise.race([settle(bench.seconds * 200), reading]);
  const first = bytes;
  const from = performance.now();
  const busy = await exchanges(bench.seconds, exchange);
  const rate = (bytes - first) / (1 << 20) / ((performance.now() - from) / 1000);
  running = false;
  await reading;
  bulk.close();
  await settle(50);
  const p99 = quantile(busy, 0.99);
  return {
    quietP50: quantile(quiet, 0.5),
    quietP99: quantile(quiet, 0.99),
    p50: quantile(busy, 0.5),
    p99,
    worse: p99 / quantile(quiet, 0.99),
    rate,
  };
}
