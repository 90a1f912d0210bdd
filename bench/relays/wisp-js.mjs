/** wisp-js' server, as its own command starts it, allowed to reach this machine. Says `listening PORT`. */
import { createServer } from 'node:http';
import { logging, server as wisp } from '@mercuryworkshop/wisp-js/server';

logging.set_level(logging.NONE);
Object.assign(wisp.options, { allow_loopback_ips: true, allow_private_ips: true });
const server = createServer();
server.on('upgrade', (request, socket, head) => wisp.routeRequest(request, socket, head));
server.listen(0, '127.0.0.1', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  process.stdout.write(`listening ${address.port}\n`);
});
