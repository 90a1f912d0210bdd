/** The UDP servers behind the relays. */
import { createSocket } from 'node:dgram';

/** Datagrams handed to the kernel before the event loop gets its turn. */
const BURST = 64;

/** Sends back what comes. */
export function udpEcho() {
  const socket = quiet();
  socket.on('message', (message, { port, address }) => socket.send(message, port, address));
  return socket;
}

/** Sends to whoever asks, as fast as it can, for as long as asked; those who ask at the same time take turns. */
export function udpSource() {
  const socket = quiet();
  /** @type {Map<string, { port: number, address: string, until: number, message: Buffer }>} */
  const wanted = new Map();
  let busy = false;
  const push = () => {
    const now = performance.now();
    for (const [key, { until }] of wanted) if (until <= now) wanted.delete(key);
    busy = wanted.size > 0;
    if (!busy) return;
    for (let sent = 0; sent < BURST; ) {
      for (const { port, address, message } of wanted.values()) {
        sent++;
        if (sent < BURST) socket.send(message, port, address, ignore);
        else socket.send(message, port, address, () => setImmediate(push));
        if (sent === BURST) break;
      }
    }
  };
  socket.on('message', (request, { port, address }) => {
    const until = performance.now() + request.readDoubleLE(0);
    const message = Buffer.alloc(request.readDoubleLE(8), 'x');
    wanted.set(`${address} ${port}`, { port, address, until, message });
    if (!busy) push();
  });
  return socket;
}

const ignore = () => {};

/** A socket that outlives errors: the port that it answers may have gone. */
function quiet() {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20, sendBufferSize: 1 << 20 });
  socket.on('error', ignore);
  return socket;
}
