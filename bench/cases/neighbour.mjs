/** What one client's bad reading does to the relay and to another client of it. Node only: a process is stopped. */
import { readFileSync } from 'node:fs';
import { startClient } from '../lib/stage.mjs';
import { sourceRequest } from '../peers/wire.mjs';
import { exchanges, message, quantile, settle, warm } from './measuring.mjs';

/** @typedef {import('../types.ts').Bench} Bench */

const MIB = 1 << 20;
const PIECE = 65_536;
/** What the server has for the bad reader. */
const PUSHED = 200 * MIB;
/**
 * Between two looks at the relay's memory, which keep this process from its round trips for 0.8 ms: every 20 ms
 * they would be more than one in a hundred of those, and so the p99.
 */
const LOOK_MILLISECONDS = 200;
/** What it reads before it freezes. */
const READ_FIRST = MIB;
/** What the slow one reads in a second. */
const SLOW = MIB;

/** A reader that takes 1 MiB/s of what a server sends as fast as it can. @param {Bench} bench */
export const slow = (bench) =>
  beside(bench, async () => {
    const stream = await (await bench.dial()).stream('source');
    await stream.write(sourceRequest(PUSHED));
    let running = true;
    const reading = (async () => {
      while (running) {
        await stream.read(PIECE);
        await settle((PIECE / SLOW) * 1000);
      }
    })();
    return async () => {
      running = false;
      await reading;
    };
  });

/** A reader that reads no more, not even its WebSocket: a page in a tab that hangs. @param {Bench} bench */
export const frozen = (bench) =>
  beside(bench, async () => {
    const victim = startClient(bench.contender, bench.place);
    const hung = victim.measure('freeze', 0);
    const died = hung.then((sample) => {
      throw new Error('failed' in sample ? sample.failed : 'the reader did not freeze');
    });
    while (!isStopped(victim.pid)) await Promise.race([settle(5), died]);
    died.catch(() => {}); // by our hand
    return () => victim.stop();
  });

/** What `frozen` has another process do: reads a little, and stops itself. @param {Bench} bench */
export async function freeze(bench) {
  const stream = await (await bench.dial()).stream('source');
  await stream.write(sourceRequest(PUSHED));
  for (let read = 0; read < READ_FIRST; read += PIECE) await stream.read(PIECE);
  process.kill(process.pid, 'SIGSTOP');
  return {};
}

/** proc(5): state T is stopped. @param {number} pid */
const isStopped = (pid) => / T /.test(readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\)/, ')'));

/**
 * Measures a neighbour's round trips without and with the bad reader, and the relay's memory.
 * @param {Bench} bench
 * @param {() => Promise<() => Promise<void>>} start Starts the bad reader; resolves with what ends it.
 */
async function beside(bench, start) {
  const client = await bench.dial();
  await warm(client);
  await fill(client);
  const stream = await client.stream('echo');
  const ping = message(64);
  const exchange = async () => {
    await stream.write(ping);
    await stream.read(64);
  };
  await exchanges(bench.seconds / 2, exchange);
  const quiet = await exchanges(bench.seconds, exchange);
  let most = (await bench.cost()).rss;
  const before = most;
  const look = setInterval(async () => {
    most = Math.max(most, (await bench.cost()).rss);
  }, LOOK_MILLISECONDS);
  const stop = await start();
  const busy = await exchanges(bench.seconds * 2, exchange);
  clearInterval(look);
  await stop();
  const quietP99 = quantile(quiet, 0.99);
  const p99 = quantile(busy, 0.99);
  return { growth: (most - before) / 1024, quietP99, p99, worse: p99 / quietP99 };
}

/** The same for what bulk takes. @param {import('../types.ts').Client} client */
async function fill(client) {
  const stream = await client.stream('source');
  const bytes = 64 * MIB;
  await stream.write(sourceRequest(bytes));
  for (let read = 0; read < bytes; read += PIECE) await stream.read(PIECE);
  stream.close();
}
