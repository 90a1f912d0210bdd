/** The UDP servers behind the relays. */
import { createSocket } from 'node:dgram';

/**
 * Datagrams sent in a second, more than anybody here takes; one that sends as fast as it can has a processor for itself, of the two
 * that there are.
 */
const RATE = 500_000;

/** Sends back what comes. */
export function udpEcho() {
  const socket = quiet();
  socket.on('message', (message, { port, address }) => socket.send(message, port, address));
  return socket;
}

/** Sends to whoever asks, at RATE, for as long as asked; those who ask at the same time take turns. */
export async function udpSource() {
  const socket = quiet();
  const toward = await sender(socket);
  /** @type {Map<string, { until: number, send: () => number }>} */
  const wanted = new Map();
  let busy = false;
  let last = 0;
  const push = () => {
    const now = performance.now();
    for (const [key, { until }] of wanted) if (until <= now) wanted.delete(key);
    busy = wanted.size > 0;
    if (!busy) return;
    // What it was late for is not made up for.
    let due = (Math.min(now - last, 2) * RATE) / 1000;
    last = now;
    while (due > 0) for (const { send } of wanted.values()) due -= send();
    setTimeout(push, 1);
  };
  socket.on('message', (request, { port, address }) => {
    const until = performance.now() + request.readDoubleLE(0);
    const message = Buffer.alloc(request.readDoubleLE(8), 'x');
    wanted.set(`${address} ${port}`, { until, send: toward(message, port, address) });
    if (!busy) push();
  });
  return socket;
}

/** Linux: sendto(2) that does not wait; the option by which one call sends many datagrams of one size (udp(7), UDP_SEGMENT). */
const MSG_DONTWAIT = 0x40;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
/** Datagrams of one call. */
const SEGMENTS = 16;

/**
 * How datagrams leave: many by one system call where that can be had. dgram takes 7 us for each, which is more than a relay
 * takes to pass one on, and that is what is to be measured. A full queue loses them.
 * @param {import('node:dgram').Socket} socket
 * @returns {Promise<(message: Buffer, port: number, address: string) => () => number>} What sends some, and answers how many.
 */
async function sender(socket) {
  const calls = process.platform === 'linux' ? await systemCalls() : null;
  if (calls === null)
    return (message, port, address) => () => {
      socket.send(message, port, address, ignore);
      return 1;
    };
  return (message, port, address) => {
    const { fd } = /** @type {{ _handle: { fd: number } }} */ (/** @type {unknown} */ (socket))._handle;
    const to = Buffer.from([2, 0, port >> 8, port & 0xff, ...address.split('.').map(Number), 0, 0, 0, 0, 0, 0, 0, 0]);
    const cut = calls.setsockopt(fd, SOL_UDP, UDP_SEGMENT, Int32Array.of(message.length), 4) === 0;
    const sent = cut ? Buffer.alloc(message.length * SEGMENTS, message) : message;
    return () => {
      calls.sendto(fd, sent, sent.length, MSG_DONTWAIT, to, to.length);
      return cut ? SEGMENTS : 1;
    };
  };
}

async function systemCalls() {
  try {
    const { default: koffi } = await import('koffi');
    const library = koffi.load(null);
    return {
      sendto: library.func('int64_t sendto(int, const void *, size_t, int, const void *, uint32_t)'),
      setsockopt: library.func('int setsockopt(int, int, int, const void *, uint32_t)'),
    };
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
