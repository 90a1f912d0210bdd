/**
 * What a message costs the relay as there is more of everything: sockets of a session, sessions of a relay, bytes of a
 * message. One message is on its way at a time, since several at once share frames and wake-ups, which would hide what is asked.
 */
import { turned } from '../lib/rounds.mjs';
import { exchanges, message, settle } from './measuring.mjs';

/** @typedef {import('../types.ts').Bench} Bench */
/** @typedef {import('../types.ts').Stream} Stream */

export const SOCKETS = [1, 10, 100, 1000];
export const SESSIONS = [1, 10, 100, 500];
export const SIZES = [64, 1024, 16_384, 65_536, 262_144, 1_048_576];

/** Of the length of a sample, for each point: there are many. */
const SHARE = 0.4;
/** Of a point's time. What else the machine does only ever adds to a slice, so a point is its cheapest one. */
const SLICES = 5;

/** @typedef {() => Promise<unknown>} Exchange */

/** @param {Bench} bench */
export async function growth(bench) {
  const ping = message(64);
  // All sessions are there at once, so that slices of all points take turns.
  const clients = await Promise.all(SOCKETS.map(() => bench.dial()));
  /** @type {Record<string, Exchange>} */
  const sockets = {};
  for (const [index, client] of clients.entries()) {
    const count = SOCKETS[index] ?? 0;
    const streams = await Promise.all(Array.from({ length: count }, () => client.stream('echo')));
    sockets[`sockets-${count}`] = await warmed(bench, streams, ping);
  }
  const figures = await costs(bench, sockets);
  for (const client of clients) client.close();

  const client = await bench.dial();
  const one = await client.stream('echo');
  /** @type {Record<string, Exchange>} */
  const sizes = {};
  for (const size of SIZES) sizes[`bytes-${size}`] = await warmed(bench, [one], message(size));
  Object.assign(figures, await costs(bench, sizes));
  client.close();
  await settle(100);

  /** @type {Stream[]} */
  const streams = [];
  for (const count of SESSIONS) {
    while (streams.length < count) streams.push(await (await bench.dial()).stream('echo'));
    Object.assign(figures, await costs(bench, { [`sessions-${count}`]: await warmed(bench, [...streams], ping) }));
  }
  return figures;
}

/**
 * A message and its echo, on one stream after the other.
 * @param {Bench} bench
 * @param {readonly Stream[]} streams
 * @param {Uint8Array<ArrayBuffer>} ping
 * @returns {Promise<Exchange>}
 */
async function warmed(bench, streams, ping) {
  let next = 0;
  const exchange = async () => {
    const stream = streams[next++ % streams.length];
    await stream?.write(ping);
    await stream?.read(ping.length);
  };
  // The first message of a socket costs more: none of those counts.
  for (let passed = 0; passed < 2 * streams.length; passed++) await exchange();
  await exchanges(bench.seconds * SHARE * 0.3, exchange);
  return exchange;
}

/**
 * Microseconds of the relay's CPU for an exchange of each point, by name.
 * @param {Bench} bench
 * @param {Readonly<Record<string, Exchange>>} points
 * @returns {Promise<Record<string, number>>}
 */
async function costs(bench, points) {
  /** @type {Record<string, number>} */
  const least = {};
  for (let slice = 0; slice < SLICES; slice++) {
    for (const [name, exchange] of turned(Object.entries(points), slice)) {
      const before = await bench.cost();
      const { length } = await exchanges((bench.seconds * SHARE) / SLICES, exchange);
      const after = await bench.cost();
      least[name] = Math.min(least[name] ?? Number.POSITIVE_INFINITY, ((after.cpu - before.cpu) / length) * 1e6);
    }
  }
  return least;
}

/**
 * How far each curve is from flat: the dearest over the cheapest. A size's cost is compared to the line through the smallest
 * and the largest, so much a message and so much a byte. Of medians over rounds: within a round the dearest point is the one
 * that noise met, and the cheapest the one that it spared.
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
