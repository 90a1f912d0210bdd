/** The servers behind the relays, in a process of their own: what they cost is nobody's. Says its ports as one line of JSON. */
import { once } from 'node:events';
import { echo, listener, sink, source } from './tcp.mjs';
import { udpEcho, udpSource } from './udp.mjs';

/** @type {Record<string, number>} */
const ports = {};
for (const [name, serve] of Object.entries({ echo, source, sink })) {
  const server = listener(serve).listen({ port: 0, host: '127.0.0.1', backlog: 2048 });
  await once(server, 'listening');
  ports[name] = /** @type {import('node:net').AddressInfo} */ (server.address()).port;
}
for (const [name, socket] of Object.entries({ udpEcho: udpEcho(), udpSource: await udpSource() })) {
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  ports[name] = socket.address().port;
}
process.stdout.write(`${JSON.stringify(ports)}\n`);
// Whoever started us has gone.
process.stdin.on('end', () => process.exit(0)).resume();
