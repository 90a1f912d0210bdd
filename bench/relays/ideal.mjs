/**
 * *ideal*, the yardstick: the least that a relay can be. One WebSocket for each socket, no framing, no safety; with what any
 * good one has: no delay, no compression, bufferutil, backpressure. Says `listening PORT`.
 */
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { WebSocketServer } from 'ws';

const HIGH = 1 << 20;
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', backlog: 2048, perMessageDeflate: false });
server.on('listening', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  process.stdout.write(`listening ${address.port}\n`);
});
server.on('connection', (ws, { url = '' }) => {
  const [, kind, port] = url.split('/');
  ws.on('error', () => ws.terminate());
  if (kind === 'udp') {
    const udp = createSocket('udp4');
    udp.connect(Number(port), '127.0.0.1', () =>
      ws.on('message', (message) => udp.send(/** @type {Buffer} */ (message))),
    );
    udp.on('message', (message) => ws.send(message));
    udp.on('error', () => ws.terminate());
    ws.on('close', () => udp.close());
    return;
  }
  const tcp = connect({ port: Number(port), host: '127.0.0.1', noDelay: true });
  tcp.on('data', (bytes) => {
    ws.send(bytes, () => ws.bufferedAmount < HIGH && tcp.resume());
    if (ws.bufferedAmount >= HIGH) tcp.pause();
  });
  tcp.on('drain', () => ws.resume());
  tcp.on('error', () => ws.terminate());
  tcp.on('close', () => ws.close());
  ws.on('message', (message) => tcp.write(/** @type {Buffer} */ (message)) || ws.pause());
  ws.on('close', () => tcp.destroy());
});
