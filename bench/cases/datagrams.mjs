/** Datagrams of 64 bytes that are sent to the sockets of a client as fast as a sender can: how many get there. */
import { datagramRequest } from '../peers/wire.mjs';
import { settle } from './measuring.mjs';

const SOCKETS = 4;
const SIZE = 64;

/** @param {import('../types.ts').Bench} bench */
export async function datagrams(bench) {
  const client = await bench.dial();
  const sockets = await Promise.all(Array.from({ length: SOCKETS }, () => client.datagrams('udpSource')));
  let received = 0;
  for (const socket of sockets) {
    (async () => {
      for (;;) {
        await socket.receive();
        received++;
      }
    })().catch(() => {}); // closed at the end
  }
  const milliseconds = bench.seconds * 1000;
  for (const socket of sockets) socket.send(datagramRequest(milliseconds * 1.4, SIZE));
  await settle(milliseconds * 0.2);
  const before = await bench.cost();
  const first = received;
  const from = performance.now();
  await settle(milliseconds);
  const after = await bench.cost();
  const seconds = (performance.now() - from) / 1000;
  const count = received - first;
  // What is on its way is no part of the next sample.
  await settle(milliseconds * 0.4);
  for (const socket of sockets) socket.close();
  return { rate: count / seconds, cpu: ((after.cpu - before.cpu) / count) * 1e6 };
}
