/**
 * What a message costs the relay as there is more of everything: sockets of a session, sessions of a relay, bytes of a
 * message. One message is on its way at a time, since several at once share frames and wake-ups, which would hide what is asked.
 */
import { exchanges, message } from './measuring.mjs';

/** @typedef {import('../types.ts').Bench} Bench */
/** @typedef {import('../types.ts').Stream} Stream */

export const SOCKETS = [1, 10, 100, 1000];
export const SESSIONS = [1, 10, 100, 500];
export const SIZES = [64, 1024, 16_384, 65_536, 262_144, 1_048_576];

/** Of the length of a sample: there are many. */
const SHARE = 0.4;

/** @param {Bench} bench */
export async function growth(bench) {
  /** @type {Record<string, number>} */
  const figures = {};
  const ping = message(64);
  const first = await bench.dial();
  /** @type {Stream[]} */
  const streams = [];
  for (const count of SOCKETS) {
    streams.push(...(await Promise.all(Array.from({ length: count - streams.length }, () => first.stream('echo')))));
    figures[`sockets-${count}`] = await cost(bench, streams, ping);
  }
  const [one] = streams;
  if (one === undefined) throw new Error('no stream');
  for (const size of SIZES) figures[`bytes-${size}`] = await cost(bench, [one], message(size));
  first.close();

  streams.length = 0;
  for (const count of SESSIONS) {
    while (streams.length < count) streams.push(await (await bench.dial()).stream('echo'));
    figures[`sessions-${count}`] = await cost(bench, streams, ping);
  }
  return { ...figures, ...flatness(figures) };
}

/** Microseconds of the relay's CPU for a message and its echo. @param {Bench} bench @param {readonly Stream[]} streams @param {Uint8Array<ArrayBuffer>} ping */
async function cost(bench, streams, ping) {
  let next = 0;
  const exchange = async () => {
    const stream = streams[next++ % streams.length];
    await stream?.write(ping);
    await stream?.read(ping.length);
  };
  // The first message of a socket costs more: none of those counts.
  for (let passed = 0; passed < 2 * streams.length; passed++) await exchange();
  await exchanges(bench.seconds * SHARE * 0.3, exchange);
  const before = await bench.cost();
  const { length } = await exchanges(bench.seconds * SHARE, exchange);
  const after = await bench.cost();
  return ((after.cpu - before.cpu) / length) * 1e6;
}

/**
 * How far each curve is from flat: the dearest over the cheapest. A size's cost is compared to the line through the smallest
 * and the largest, so much a message and so much a byte.
 * @param {Readonly<Record<string, number>>} figures
 */
export function flatness(figures) {
  const of = (/** @type {string} */ axis, /** @type {number} */ at) => figures[`${axis}-${at}`] ?? Number.NaN;
  const range = (/** @type {readonly number[]} */ values) => Math.max(...values) / Math.min(...values);
  const small = SIZES[0] ?? 0;
  const large = SIZES.at(-1) ?? 1;
  const perByte = (of('bytes', large) - of('bytes', small)) / (large - small);
  const line = SIZES.map((size) => of('bytes', size) / (of('bytes', small) + perByte * (size - small)));
  return {
    sockets: range(SOCKETS.map((count) => of('sockets', count))),
    sessions: range(SESSIONS.map((count) => of('sessions', count))),
    sizes: Math.max(...line),
  };
}
