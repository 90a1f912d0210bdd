/** The client of those who open a WebSocket for each socket: ideal, raw ws, websockify. Nothing but the WebSocket itself. */
import { Inbox, Letterbox } from './inbox.mjs';

/** @typedef {import('../types.ts').Place} Place */
/** @typedef {import('../types.ts').StreamPeer | import('../types.ts').DatagramPeer} Peer */

/** Bytes on their way out above which a writer waits. */
const HIGH = 4 << 20;

/** @type {Record<string, (place: Place, peer: Peer) => string>} Path on the relay, by contender. */
const PATHS = {
  ideal: ({ peers }, peer) => `/${peer.startsWith('udp') ? 'udp' : 'tcp'}/${peers[peer]}`,
  raw: (_, peer) => `/${peer}`,
  websockify: (_, peer) => `/?token=${peer}`,
};

/**
 * @param {string} contender
 * @param {typeof globalThis.WebSocket} WebSocket
 * @returns {import('../types.ts').Dial}
 */
export const socketsDial =
  (contender, WebSocket) =>
  async (place, url = place.url) => {
    /** @type {Set<WebSocket>} */
    const sockets = new Set();
    /** @param {Peer} peer @returns {Promise<WebSocket>} */
    const open = (peer) =>
      new Promise((resolve, reject) => {
        const path = PATHS[contender]?.(place, peer);
        const ws = new WebSocket(`${url}${path}`);
        ws.binaryType = 'arraybuffer';
        sockets.add(ws);
        ws.onopen = () => resolve(ws);
        ws.onerror = () => reject(new Error(`no WebSocket to ${path}`));
      });
    return {
      async stream(peer) {
        const ws = await open(peer);
        const inbox = new Inbox((held) => hold(ws, held));
        ws.onmessage = ({ data }) => inbox.put(data.byteLength);
        ws.onclose = () => {
          sockets.delete(ws);
          inbox.end('the WebSocket has ended');
        };
        return {
          write: (bytes) => write(ws, bytes),
          read: (size) => inbox.read(size),
          close: () => end(ws),
        };
      },
      async datagrams(peer) {
        const ws = await open(peer);
        const letterbox = new Letterbox();
        ws.onmessage = ({ data }) => letterbox.put(data.byteLength);
        ws.onclose = () => {
          sockets.delete(ws);
          letterbox.end('the WebSocket has ended');
        };
        return { send: (bytes) => ws.send(bytes), receive: () => letterbox.receive(), close: () => end(ws) };
      },
      close() {
        for (const ws of sockets) end(ws);
      },
    };
  };

/** A page cannot hold up a WebSocket; `ws` can. @param {WebSocket} ws @param {boolean} held */
export function hold(ws, held) {
  if (!('pause' in ws)) return;
  const { readyState, OPEN } = ws;
  const node = /** @type {import('ws').WebSocket} */ (/** @type {unknown} */ (ws));
  if (readyState !== OPEN) return;
  if (held) node.pause();
  else node.resume();
}

/** At once where that is possible: a closing handshake waits behind what is still coming. @param {WebSocket} ws */
function end(ws) {
  if ('terminate' in ws) /** @type {import('ws').WebSocket} */ (/** @type {unknown} */ (ws)).terminate();
  else ws.close();
}

/** @param {WebSocket} ws @param {Uint8Array<ArrayBuffer>} bytes */
function write(ws, bytes) {
  if (ws.bufferedAmount < HIGH) ws.send(bytes);
  else return 'terminate' in ws ? told(ws, bytes) : polled(ws, bytes);
}

/** `ws` says when a message has gone. @param {WebSocket} ws @param {Uint8Array<ArrayBuffer>} bytes @returns {Promise<void>} */
const told = (ws, bytes) =>
  new Promise((resolve) => {
    /** @type {import('ws').WebSocket} */ (/** @type {unknown} */ (ws)).send(bytes, () => resolve());
  });

/** A page's has no event for it. @param {WebSocket} ws @param {Uint8Array<ArrayBuffer>} bytes @returns {Promise<void>} */
async function polled(ws, bytes) {
  ws.send(bytes);
  while (ws.bufferedAmount >= HIGH && ws.readyState === ws.OPEN) await new Promise((resolve) => setTimeout(resolve));
}
