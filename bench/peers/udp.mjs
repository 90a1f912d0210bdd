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
export async function udpSource() {
  const socket = quiet();
  const toward = await sender(socket);
  /** @type {Map<string, { until: number, send: () => void }>} */
  const wanted = new Map();
  let busy = false;
  const push = () => {
    const now = performance.now();
    for (const [key, { until }] of wanted) if (until <= now) wanted.delete(key);
    busy = wanted.size > 0;
    if (!busy) return;
    for (let sent = 0; sent < BURST; sent += wanted.size) for (const { send } of wanted.values()) send();
    setImmediate(push);
  };
  socket.on('message', (request, { port, address }) => {
    const until = performance.now() + request.readDoubleLE(0);
    const message = Buffer.alloc(request.readDoubleLE(8), 'x');
    wanted.set(`${address} ${port}`, { until, send: toward(message, port, address) });
    if (!busy) push();
  });
  return socket;
}

/** sendto(2) that does not wait: Linux. */
const MSG_DONTWAIT = 0x40;

/**
 * How datagrams leave: by the system call itself where that can be had, for dgram's takes four times as long, and what is to be
 * measured is who receives. A full queue loses them.
 * @param {import('node:dgram').Socket} socket
 * @returns {Promise<(message: Buffer, port: number, address: string) => () => void>}
 */
async function sender(socket) {
  const sendto = process.platform === 'linux' ? await systemCall() : null;
  if (sendto === null) return (message, port, address) => () => socket.send(message, port, address, ignore);
  return (message, port, address) => {
    const to = Buffer.from([2, 0, port >> 8, port & 0xff, ...address.split('.').map(Number), 0, 0, 0, 0, 0, 0, 0, 0]);
    const { fd } = /** @type {{ _handle: { fd: number } }} */ (/** @type {unknown} */ (socket))._handle;
    return () => void sendto(fd, message, message.length, MSG_DONTWAIT, to, to.length);
  };
}

/** @returns {Promise<((fd: number, message: Buffer, size: number, flags: number, to: Buffer, length: number) => number) | null>} */
async function systemCall() {
  try {
    const { default: koffi } = await import('koffi');
    return koffi.load(null).func('int64_t sendto(int, const void *, size_t, int, const void *, uint32_t)');
  } catch {
    return null;
  }
}

const ignore = () => {};

/** A socket that outlives errors: the port that it answers may have gone. */
function quiet() {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20, sendBufferSize: 1 << 20 });
  socket.on('error', ignore);
  return socket;
}
