/** The TCP connection under a WebSocket is cut in the middle of a transfer, as a phone does that changes its network. Node only. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { PATTERN, sourceRequest } from '../peers/wire.mjs';
import { message } from './measuring.mjs';

const MIB = 1 << 20;
const PIECE = 65_536;
const TOTAL = 64 * MIB;
const CUT_AFTER = 8 * MIB;
/** Streams that are open when it happens and have nothing to say. */
const IDLE = 10;

/** @param {import('../types.ts').Bench} bench */
export async function cut(bench) {
  const network = await startNetwork(Number(new URL(bench.place.url).port));
  try {
    const client = await bench.dial(`ws://127.0.0.1:${network.port}`);
    const idle = await Promise.all(Array.from({ length: IDLE }, () => client.stream('echo')));
    const stream = await client.stream('source');
    await stream.write(sourceRequest(TOTAL));
    let read = 0;
    let whole = true;
    let wasCut = false;
    let last = 0;
    let gap = 0;
    try {
      while (read < TOTAL) {
        const bytes = await stream.read(PIECE);
        if (bytes) whole &&= isPattern(bytes, read);
        read += PIECE;
        const now = performance.now();
        if (wasCut) gap = Math.max(gap, now - last);
        last = now;
        if (read < CUT_AFTER || wasCut) continue;
        network.cut();
        wasCut = true;
      }
    } catch {
      // It has ended: what is missing is lost.
    }
    if (!whole) throw new Error('bytes came that the server did not send there');
    const answers = await Promise.all(idle.map(answersStill));
    return {
      lost: (TOTAL - read) / MIB,
      streams: answers.filter((there) => !there).length,
      gap: read < TOTAL ? Number.NaN : gap,
    };
  } finally {
    network.close();
  }
}

/** @param {Uint8Array} bytes @param {number} offset Of the first in the stream. */
const isPattern = (bytes, offset) => bytes.every((byte, index) => byte === (offset + index) % PATTERN);

/** @param {import('../types.ts').Stream} stream @returns {Promise<boolean>} */
async function answersStill(stream) {
  try {
    await stream.write(message(1));
    await stream.read(1);
    return true;
  } catch {
    return false;
  }
}

/** A TCP proxy whose connections can be cut; new ones are taken at once. @param {number} target */
async function startNetwork(target) {
  /** @type {Set<import('node:net').Socket>} */
  const open = new Set();
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true });
    near.pipe(far).pipe(near);
    for (const [here, there] of /** @type {const} */ ([
      [near, far],
      [far, near],
    ])) {
      open.add(here);
      here.on('error', () => {}); // the cut itself
      here.on('close', () => {
        open.delete(here);
        there.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cutAll = () => {
    for (const socket of open) socket.resetAndDestroy();
  };
  return {
    port: /** @type {import('node:net').AddressInfo} */ (server.address()).port,
    cut: cutAll,
    close() {
      server.close();
      cutAll();
    },
  };
}
