/** Relays and peers for tests, closed when the test is over. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createRelay, type Relay, type RelayConfig } from 'luasocket-relay';
import { onTestFinished } from 'vitest';

export async function startRelay(config: RelayConfig = {}): Promise<Relay> {
  const relay = await createRelay({ listen: '127.0.0.1:0', log: 'silent', ...config });
  onTestFinished(() => relay.close());
  return relay;
}

export interface Peer {
  readonly server: Server;
  readonly port: number;
  /** The next connection. */
  connection(): Promise<Socket>;
}

/** A TCP server on loopback. */
export async function startPeer(): Promise<Peer> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  const arrived: Socket[] = [];
  const all = new Set<Socket>();
  server.on('connection', (socket) => {
    socket.on('error', () => {});
    all.add(socket);
    arrived.push(socket);
    server.emit('arrived');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of all) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    server,
    port: (server.address() as AddressInfo).port,
    async connection() {
      while (arrived.length === 0) await once(server, 'arrived');
      return arrived.shift() as Socket;
    },
  };
}

/** Resolves when `holds` does; looks once a turn of the event loop. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
}
