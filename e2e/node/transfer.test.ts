/** Programs in Node that give what they have received to a worker: they take nothing of the WebSocket's with them. */
import { createServer, type Socket } from 'node:net';
import { connect } from 'luasocket-web';
import { expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import { portOf, startRelay } from './helpers.ts';

const BYTES = 40_000;
const ROUNDS = 30;

test('results whose buffers are transferred leave the others whole', async () => {
  const relay = await startRelay();
  const peers: Socket[] = [];
  const server = createServer((peer) => peers.push(peer.on('error', () => {}))).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  const socket = await connect(relay.address.url, { WebSocket, strings: 'bytes' });
  onTestFinished(() => socket.relay.close());
  const port = await portOf(server);
  const streams = await Promise.all([1, 2].map(async () => (await socket.try(socket.connect('127.0.0.1', port)))[0]));
  while (peers.length < streams.length) await new Promise((resolve) => setTimeout(resolve, 1));
  for (let round = 0; round < ROUNDS; round++) {
    // Both in one turn, so that their messages come together.
    for (const peer of peers) peer.write(Buffer.alloc(BYTES, round));
    for (const stream of streams) {
      const [bytes] = await stream.receive(BYTES);
      expect(bytes?.every((byte) => byte === round)).toBe(true);
      if (bytes) structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] });
    }
  }
  expect(socket.relay.state).toBe('connected');
});
