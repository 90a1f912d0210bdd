/** One stream as fast as it goes, down and up. */
import { REPORT_EVERY, sourceRequest } from '../peers/wire.mjs';
import { message, settle } from './measuring.mjs';

/** @typedef {import('../types.ts').Bench} Bench */

const PIECE = 65_536;
const MIB = 1 << 20;
const GIB = 1 << 30;
/** Bytes beyond what the sink has taken: a client without flow control of its own would otherwise fill its memory. */
const AHEAD = 8 * MIB;
/** Share of a sample's time that is left out at its start, while windows grow. */
const RAMP = 0.2;

/** @param {Bench} bench */
export async function download(bench) {
  const client = await bench.dial();
  const stream = await client.stream('source');
  await stream.write(sourceRequest(0));
  const start = performance.now();
  const begin = start + bench.seconds * 1000 * RAMP;
  do await stream.read(PIECE);
  while (performance.now() < begin);
  const before = await bench.cost();
  const from = performance.now();
  const end = from + bench.seconds * 1000;
  let bytes = 0;
  do {
    await stream.read(PIECE);
    bytes += PIECE;
  } while (performance.now() < end);
  const after = await bench.cost();
  const seconds = (performance.now() - from) / 1000;
  stream.close();
  client.close();
  await settle(50);
  return { rate: bytes / MIB / seconds, cpu: ((after.cpu - before.cpu) / bytes) * GIB };
}

/** What the server says that it has taken. @param {Bench} bench */
export async function upload(bench) {
  const client = await bench.dial();
  const stream = await client.stream('sink');
  const piece = message(PIECE);
  let sent = 0;
  let taken = 0;
  let stopped = false;
  /** @type {(() => void) | null} */
  let wake = null;
  const writing = (async () => {
    while (!stopped) {
      await stream.write(piece);
      sent += PIECE;
      while (sent - taken > AHEAD && !stopped) {
        await new Promise((resolve) => {
          wake = () => resolve(undefined);
        });
      }
    }
  })();
  const report = async () => {
    await stream.read(1);
    taken += REPORT_EVERY;
    wake?.();
  };
  const begin = performance.now() + bench.seconds * 1000 * RAMP;
  do await report();
  while (performance.now() < begin);
  const before = await bench.cost();
  const first = taken;
  const from = performance.now();
  const end = from + bench.seconds * 1000;
  do await report();
  while (performance.now() < end);
  const after = await bench.cost();
  const seconds = (performance.now() - from) / 1000;
  const bytes = taken - first;
  stopped = true;
  /** @type {(() => void) | null} */ (wake)?.();
  // One that is cut off here fails, as it should.
  await Promise.race([writing.catch(() => {}), settle(50)]);
  stream.close();
  client.close();
  await settle(50);
  return { rate: bytes / MIB / seconds, cpu: ((after.cpu - before.cpu) / bytes) * GIB };
}
