/** wisp-server-node, as its readme starts it, without its log. Says `listening PORT`. */
import { createServer } from 'node:http';
import * as imported from 'wisp-server-node';

// It is CommonJS with a default export, which Node hands over one level deeper than its types say.
const wisp = /** @type {typeof import('wisp-server-node')} */ (imported.default);
/** LOG_LEVEL.NONE */
const NONE = 4;
const server = createServer();
server.on('upgrade', (request, socket, head) => {
  wisp.routeRequest(request, /** @type {import('node:net').Socket} */ (socket), head, {
    logLevel: NONE,
    pingInterval: 30,
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  process.stdout.write(`listening ${address.port}\n`);
});
