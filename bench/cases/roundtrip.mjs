/** 64 bytes to an echo server and back, one at a time: TCP, UDP. */
import { exchanges, message, quantile } from './measuring.mjs';

/** @typedef {import('../types.ts').Bench} Bench */

/** @param {Bench} bench */
export async function roundtrip(bench) {
  const stream = await (await bench.dial()).stream('echo');
  const ping = message(64);
  return timed(bench, async () => {
    await stream.write(ping);
    await stream.read(64);
  });
}

/** @param {Bench} bench */
export async function udpRoundtrip(bench) {
  const socket = await (await bench.dial()).datagrams('udpEcho');
  const ping = message(64);
  return timed(bench, async () => {
    socket.send(ping);
    await socket.receive();
  });
}

/** @param {Bench} bench @param {() => Promise<unknown>} exchange */
async function timed(bench, exchange) {
  await exchanges(bench.seconds / 10, exchange);
  const before = await bench.cost();
  const times = await exchanges(bench.seconds, exchange);
  const after = await bench.cost();
  return {
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    cpu: ((after.cpu - before.cpu) / times.length) * 1e6,
  };
}
