/** Opens any contender's client in Node. Each is loaded by a process that measures it alone. */
import { pathToFileURL } from 'node:url';
import { WebSocket as Ws } from 'ws';
import { oursDial } from './ours.mjs';
import { socketsDial } from './sockets.mjs';
import { wispDial } from './wisp.mjs';

// The same for what is used here.
const WebSocket = /** @type {typeof globalThis.WebSocket} */ (/** @type {unknown} */ (Ws));

/**
 * @param {string} contender
 * @param {string} root Checkout whose build is taken, for ours.
 * @returns {Promise<import('../types.ts').Dial>}
 */
export async function nodeDial(contender, root) {
  if (contender === 'ours' || contender === 'other') {
    const { connect } = await import(pathToFileURL(`${root}/client/dist/index.js`).href);
    return oursDial(connect, WebSocket);
  }
  if (contender.startsWith('wisp')) {
    // It tells of each packet for a stream that has just been closed.
    console.warn = () => {};
    const { client } = await import('@mercuryworkshop/wisp-js/client');
    return wispDial(client.ClientConnection, contender === 'wisp-js' ? 2 : 1);
  }
  return socketsDial(contender, WebSocket);
}
