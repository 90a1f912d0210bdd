/** What quiet.mjs probes with: 64 bytes to and fro between this process and one of its own, which no contender has part in. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { quantile } from '../cases/measuring.mjs';
import { startServer } from './servers.mjs';

const SIZE = 64;
/** Of these the median tells. */
const ROUNDS = 200;
/** Milliseconds before them: processors that were idle are quick for some 60 ms on a machine that then turns out to be noisy. */
const BEFORE = 120;
/** Until V8 has compiled both ends. */
const WARM_ROUNDS = 5000;

/** @returns {Promise<{ probe(): Promise<number>, stop(): Promise<void> }>} Microseconds of a round trip. */
export async function startPingPong() {
  const peer = await startServer(['echo']);
  const socket = connect({ port: peer.ports.echo, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const ping = new Uint8Array(SIZE);
  /** @param {number} rounds @returns {Promise<number[]>} Sorted. */
  const exchange = (rounds) =>
    new Promise((resolve, reject) => {
      /** @type {number[]} */
      const times = [];
      let there = 0;
      let from = performance.now();
      const next = (/** @type {Buffer} */ { length }) => {
        there += length;
        if (there < SIZE) return;
        there = 0;
        const now = performance.now();
        times.push((now - from) * 1000);
        from = now;
        if (times.length < rounds) return socket.write(ping);
        socket.off('data', next).off('error', reject);
        resolve(times.sort((a, b) => a - b));
      };
      socket.on('data', next).on('error', reject);
      socket.write(ping);
    });
  await exchange(WARM_ROUNDS);
  return {
    async probe() {
      const end = performance.now() + BEFORE;
      while (performance.now() < end) await exchange(10);
      return quantile(await exchange(ROUNDS), 0.5);
    },
    stop() {
      socket.destroy();
      return peer.stop();
    },
  };
}
