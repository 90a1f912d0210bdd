/**
 * What a frame costs that polls many sockets of luasocket-web/poll on which nothing happens: receive on each of 1,000 TCP
 * connections, receivefrom on each of 1,000 UDP sockets, select over 1,000. Needs a build. Prints milliseconds a frame.
 */
import { createRelay } from 'luasocket-relay';
import { connect } from 'luasocket-web/poll';
import { WebSocket as Ws } from 'ws';

// The same for what is used here.
const WebSocket = /** @type {typeof globalThis.WebSocket} */ (/** @type {unknown} */ (Ws));

const SOCKETS = 1000;
const FRAMES = 600;

/** @param {() => void} frame */
function measure(frame) {
  for (let i = 0; i < 200; i++) frame();
  const times = [];
  for (let i = 0; i < FRAMES; i++) {
    const start = performance.now();
    frame();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return { median: times[FRAMES / 2] ?? 0, worst: times[Math.floor(FRAMES * 0.99)] ?? 0 };
}

/** Bytes a frame leaves for the collector, about. @param {() => void} frame */
function garbage(frame) {
  const rounds = 20;
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < rounds; i++) frame();
  return Math.max(0, process.memoryUsage().heapUsed - before) / rounds;
}

/** @param {string} name @param {() => void} frame */
function report(name, frame) {
  const { median, worst } = measure(frame);
  const kibibytes = garbage(frame) / 1024;
  console.log(
    `${name.padEnd(44)} ${median.toFixed(3)} ms   99 %: ${worst.toFixed(3)} ms   ${kibibytes.toFixed(0)} KiB garbage`,
  );
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

const relay = await createRelay({ listen: '127.0.0.1:0', log: 'silent' });
const socket = await connect(relay.address.url, { WebSocket });
const other = await connect(relay.address.url, { WebSocket });

const [server] = socket.try(other.bind('127.0.0.1', 0, SOCKETS));
const port = Number(server.getsockname()[1]);
/** @type {import('luasocket-web/poll').TcpSocket<'sync'>[]} */
const clients = [];
const held = [];
while (clients.length < SOCKETS) {
  const [client] = socket.try(socket.connect('127.0.0.1', port));
  clients.push(client);
  for (;;) {
    const [served] = server.accept();
    if (served) held.push(served);
    if (held.length === clients.length) break;
    await turn();
  }
}
while (socket.select(null, clients)[1].length < SOCKETS) await turn();

console.log(`${SOCKETS} sockets a frame, nothing there (Node ${process.version}):`);
report('receive("*l") on each', () => {
  for (const client of clients) client.receive();
});
report('receive(1024) on each', () => {
  for (const client of clients) client.receive(1024);
});
report('select over all, reading', () => {
  socket.select(clients, null);
});
report('receive on each, then select over all', () => {
  for (const client of clients) client.receive();
  socket.select(clients, null);
});
for (const client of clients) client.close();

/** @type {import('luasocket-web/poll').UdpSocket<'sync'>[]} */
const datagrams = [];
for (let i = 0; i < SOCKETS; i++) datagrams.push(socket.try(socket.udp())[0]);
report('receivefrom on each', () => {
  for (const one of datagrams) one.receivefrom();
});

socket.relay.close();
other.relay.close();
await relay.close();
