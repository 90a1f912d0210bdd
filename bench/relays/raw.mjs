/** *raw ws*, the limit: no TCP or UDP behind it, the WebSocket server is itself the peer. Says `listening PORT`. */
import { WebSocketServer } from 'ws';
import { REPORT_EVERY } from '../peers/wire.mjs';

const HIGH = 1 << 20;
const CHUNK = Buffer.alloc(65_536, 'x');
/** Messages sent before the event loop gets its turn: the kernel may take them as fast as they come, for ever. */
const BURST = 64;

/** @type {Record<string, (ws: import('ws').WebSocket) => void>} */
const SERVE = {
  echo: (ws) => ws.on('message', (message) => ws.send(message)),
  udpEcho: (ws) => ws.on('message', (message) => ws.send(message)),
  source: (ws) => {
    ws.once('message', (request) => {
      let left = /** @type {Buffer} */ (request).readDoubleLE(0) || Number.POSITIVE_INFINITY;
      const push = () => {
        for (let sent = 1; left > 0 && ws.readyState === ws.OPEN; sent++) {
          const bytes = left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK;
          left -= bytes.length;
          const last = sent === BURST || ws.bufferedAmount + bytes.length >= HIGH;
          ws.send(bytes, last ? () => setImmediate(push) : undefined);
          if (last) break;
        }
      };
      push();
    });
  },
  sink: (ws) => {
    let unreported = 0;
    ws.on('message', (message) => {
      unreported += /** @type {Buffer} */ (message).length;
      const reports = Math.floor(unreported / REPORT_EVERY);
      unreported -= reports * REPORT_EVERY;
      if (reports > 0) ws.send(Buffer.alloc(reports));
    });
  },
  udpSource: (ws) => {
    ws.on('message', (request) => {
      const until = performance.now() + /** @type {Buffer} */ (request).readDoubleLE(0);
      const message = Buffer.alloc(/** @type {Buffer} */ (request).readDoubleLE(8), 'x');
      const push = () => {
        if (performance.now() >= until || ws.readyState !== ws.OPEN) return;
        // A datagram that finds no room is lost, as on any network.
        for (let sent = 0; sent < BURST && ws.bufferedAmount < HIGH; sent++) ws.send(message);
        setImmediate(push);
      };
      push();
    });
  },
};

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', backlog: 2048, perMessageDeflate: false });
server.on('listening', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  process.stdout.write(`listening ${address.port}\n`);
});
server.on('connection', (ws, { url = '' }) => {
  ws.on('error', () => ws.terminate());
  SERVE[url.slice(1)]?.(ws);
});
