/**
 * Servers behind the relays, those that are named: what they cost is nobody's, so they have a process of their own. Says its ports
 * as one line of JSON.
 */
import { once } from 'node:events';
import { echo, listener, sink, source } from './tcp.mjs';
import { udpEcho, udpSource } from './udp.mjs';

/** @type {Record<string, (socket: import('node:net').Socket) => void>} */
const STREAMS = { echo, source, sink };
/** @type {Record<string, () => import('node:dgram').Socket | Promise<import('node:dgram').Socket>>} */
const DATAGRAMS = { udpEcho, udpSource };

/** @type {Record<string, number>} */
const ports = {};
for (const name of process.argv.slice(2)) {
  const serve = STREAMS[name];
  if (serve) {
    const server = listener(serve).listen({ port: 0, host: '127.0.0.1', backlog: 2048 });
    await once(server, 'listening');
    ports[name] = /** @type {import('node:net').AddressInfo} */ (server.address()).port;
    continue;
  }
  const socket = await DATAGRAMS[name]?.();
  if (!socket) throw new Error(`there is no server '${name}'`);
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  ports[name] = socket.address().port;
}
process.stdout.write(`${JSON.stringify(ports)}\n`);
// Whoever started us has gone.
process.stdin.on('end', () => process.exit(0)).resume();
