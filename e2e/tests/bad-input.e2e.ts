/**
 * What a relay does about clients that break the protocol or vanish: their session ends with the fault that PROTOCOL.md
 * names, their sockets are released, and the page next to them notices nothing.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { TcpSocket } from 'luasocket-web';
import { badMessages } from '../fixtures/fuzz.ts';
import { pack } from '../fixtures/msgpack.ts';
import { type RelayProcess, startRelay } from '../fixtures/relay.ts';
import { expect, test } from '../fixtures/test.ts';
import { endpoint4, FAULT, FRAME, type Message, portOf, Wire } from '../fixtures/wire.ts';

const LOOPBACK = endpoint4('127.0.0.1', 0);
const TCP: Message = [FRAME.OPEN, 1, 0, 4];
const UDP: Message = [FRAME.OPEN, 1, 1, 4];

/** Said before the session stands. */
const EARLY: Readonly<Record<string, readonly [fault: keyof typeof FAULT, said: readonly Message[]]>> = {
  'a request before HELLO': ['unexpected', [TCP]],
  'another version': ['unsupported_version', [[FRAME.HELLO, 99, null, 0]]],
  'a resume of a session that is not': [
    'not_resumable',
    [[FRAME.RESUME, 1, Buffer.alloc(16, 7), 2, 0, Buffer.alloc(32, 7)]],
  ],
};

/** Said in a session. */
const LATE: Readonly<Record<string, readonly [fault: keyof typeof FAULT, said: readonly Message[]]>> = {
  'a second HELLO': ['unexpected', [[FRAME.HELLO, 1, null, 0]]],
  'an unknown frame': ['unexpected', [[127]]],
  'a frame that only relays send': ['unexpected', [[FRAME.REPLY, 1, null]]],
  'a field too few': ['malformed', [[FRAME.OPEN, 1, 0]]],
  'a field too many': ['malformed', [[FRAME.OPEN, 1, 0, 4, 4]]],
  'a field of another type': ['malformed', [[FRAME.OPEN, '1', 0, 4]]],
  'a fraction where an integer stands': ['malformed', [[FRAME.OPEN, 1.5, 0, 4]]],
  'a kind that is not': ['malformed', [[FRAME.OPEN, 1, 2, 4]]],
  'an endpoint of seven bytes': ['malformed', [TCP, [FRAME.BIND, 1, 1, Buffer.alloc(7)]]],
  'a frame cut short by the next': ['malformed', [TCP, [FRAME.BIND, 1]]],
  'an id that is not there': ['unknown_socket', [[FRAME.BIND, 1, 5, LOOPBACK]]],
  'an id that was closed': ['unknown_socket', [TCP, [FRAME.CLOSE, 1, 0], [FRAME.LISTEN, 1, 1, 5]]],
  'an id of an accepted connection that is not': ['unknown_socket', [[FRAME.ACCEPT, 2 ** 30]]],
  'an id that is in use': ['socket_in_use', [TCP, TCP]],
  'an id that is the relay’s to choose': ['socket_in_use', [[FRAME.OPEN, 2 ** 30, 0, 4]]],
  'listening on UDP': ['wrong_kind', [UDP, [FRAME.LISTEN, 1, 1, 5]]],
  'a stream’s data on UDP': ['wrong_kind', [UDP, [FRAME.DATA, 1, Buffer.from('x')]]],
  'a datagram on TCP': ['wrong_kind', [TCP, [FRAME.SENDTO, 1, 1, null, Buffer.from('x')]]],
  'data without a connection': ['unexpected', [TCP, [FRAME.DATA, 1, Buffer.from('x')]]],
  'an acknowledgement of what was never sent': ['unexpected', [[FRAME.ACK, 1_000_000]]],
  'credit for what was never sent': ['overrun', [TCP, [FRAME.CREDIT, 1, 1_000_000]]],
  'a text of 9000 bytes': ['too_large', [[FRAME.RESOLVE, 1, 'x'.repeat(9000), null, 4, 0, 0]]],
  'a datagram of 65,508 bytes': [
    'too_large',
    [UDP, [FRAME.SENDTO, 1, 1, endpoint4('127.0.0.1', 9), Buffer.alloc(65_508)]],
  ],
  'data of 253,953 bytes': ['too_large', [TCP, [FRAME.DATA, 1, Buffer.alloc(253_953)]]],
};

/** Bytes that are no frames. */
const BYTES: Readonly<Record<string, readonly [fault: keyof typeof FAULT, said: Uint8Array | string]>> = {
  'a text message': ['malformed', 'hello'],
  'an empty message': ['malformed', Buffer.alloc(0)],
  'a byte that msgpack does not use': ['malformed', Buffer.of(0xc1)],
  'a number instead of a frame': ['malformed', Buffer.of(42)],
  'a length beyond the message': ['malformed', Buffer.from('9330ce00000001c67fffffff00', 'hex')],
  'an array of 2^32 - 1 items': ['malformed', Buffer.from('ddffffffff', 'hex')],
  'nesting without end': [
    'malformed',
    Buffer.concat([Buffer.from('951801', 'hex'), Buffer.of(1, 0xa1, 0x78), Buffer.alloc(5000, 0x91)]),
  ],
  'a message of 262,145 bytes': ['too_large', Buffer.alloc(262_145)],
};

test.describe('a client that breaks the protocol', () => {
  for (const [name, [fault, said]] of Object.entries(EARLY)) {
    test(`${name}: ${fault}`, async ({ relay }) => {
      const wire = await Wire.open(relay.endpoint);
      wire.send(...said);
      expect(await wire.ended).toEqual({ code: FAULT[fault], reason: expect.any(String), fault });
    });
  }

  for (const [name, [fault, said]] of Object.entries(LATE)) {
    test(`${name}: ${fault}`, async ({ relay }) => {
      const wire = await Wire.greet(relay.endpoint);
      wire.send(...said);
      expect(await wire.ended).toEqual({ code: FAULT[fault], reason: expect.any(String), fault });
    });
  }

  for (const [name, [fault, said]] of Object.entries(BYTES)) {
    test(`${name}: ${fault}`, async ({ relay }) => {
      const wire = await Wire.greet(relay.endpoint);
      wire.raw(said);
      expect(await wire.ended).toEqual({ code: FAULT[fault], reason: expect.any(String), fault });
    });
  }

  test('silence instead of HELLO: timeout', async () => {
    const relay = await startRelay({ limits: { handshakeSeconds: 0.1 } });
    try {
      const wire = await Wire.open(relay.endpoint);
      expect(await wire.ended).toEqual({ code: FAULT.timeout, reason: expect.any(String), fault: 'timeout' });
    } finally {
      await relay.close();
    }
  });

  test('more data than the credit allows: overrun, and what was bound is free again', async ({ relay }) => {
    await withSilentPeer(async (peer, connections) => {
      const wire = await Wire.greet(relay.endpoint);
      wire.send(TCP);
      await wire.ask([FRAME.CONNECT, 1, 1, endpoint4('127.0.0.1', peer)]);
      await wire.next(FRAME.CONNECTED);
      const [connection] = await connections;
      const released = closing(connection);
      for (let sent = 0; sent < 9 * 1024 * 1024; sent += 131_072) wire.send([FRAME.DATA, 1, Buffer.alloc(131_072)]);
      expect(await wire.ended).toMatchObject({ code: FAULT.overrun, fault: 'overrun' });
      connection?.resume();
      await released;
    });
  });
});

test('a page goes on untouched while its neighbours fuzz the relay, and nothing of theirs is left', async ({
  bareTab: tab,
  luaServer,
}) => {
  const relay = await startRelay({ log: 'silent' });
  try {
    await tab.connect(relay.endpoint);
    await tab.run(async (socket, port, kept: { c: TcpSocket; stop: boolean; talk: Promise<number[]> }) => {
      [kept.c] = await socket.try(socket.connect('127.0.0.1', port));
      await kept.c.send('lines\n');
      const talk = async (): Promise<number[]> => {
        let right = 0;
        let rounds = 0;
        while (!kept.stop) {
          rounds++;
          await socket.try(kept.c.send(`round ${rounds}\n`));
          if ((await kept.c.receive())[0] === `${rounds}: round ${rounds}`) right++;
        }
        return [right, rounds];
      };
      kept.talk = talk();
    }, luaServer.port);

    const seed = 20_260_323;
    const allowed = new Set<number>(Object.values(FAULT));
    for (const [index, message] of badMessages(seed, 300).entries()) {
      const wire = await (index % 2 === 0 ? Wire.greet(relay.endpoint) : Wire.open(relay.endpoint));
      if (index % 2 === 0) wire.send(TCP, [FRAME.BIND, 1000, 1, LOOPBACK]);
      wire.raw(message);
      // A turned bit may leave a frame that is still right; then only our own close ends the session.
      wire.raw(pack([FRAME.PING, 1]));
      const answered = wire.next(FRAME.PONG).then(
        () => wire.close(),
        () => wire.ended,
      );
      const { code } = await answered;
      expect(
        code === 1000 || allowed.has(code),
        `message ${index} of seed ${seed} (${message.toString('hex')}) ended with ${code}`,
      ).toBe(true);
    }

    // Its listener, the page's WebSocket and the page's connection; a spare one that Chromium opened goes by itself.
    await expect.poll(() => relay.sockets(), { timeout: 60_000 }).toBe(3);
    const [right, rounds] = await tab.run(async (_, __, kept: { stop: boolean; talk: Promise<number[]> }) => {
      kept.stop = true;
      return kept.talk;
    });
    expect(right).toBe(rounds);
    expect(rounds).toBeGreaterThan(0);
    expect((await fetch(`${relay.url}/healthz`)).status).toBe(200);
    expect(tab.troubles).toEqual([]);
  } finally {
    await relay.close();
  }
});

test.describe('a client that vanishes', () => {
  for (const how of ['in the middle of a transfer', 'with a fault', 'in good order'] as const) {
    test(`${how}: its sockets are released`, async () => {
      const relay = await startRelay({ limits: { resumeSeconds: 1 } });
      try {
        await withSilentPeer(async (peer, connections) => {
          const before = await relay.sockets();
          const wire = await Wire.greet(relay.endpoint);
          const ports = await busy(wire, peer);
          const [connection] = await connections;
          const released = closing(connection);
          expect(await relay.sockets()).toBe(before + 4); // its WebSocket, and three more
          wire.send(...Array.from({ length: 4 }, (): Message => [FRAME.DATA, 2, Buffer.alloc(131_072)]));
          if (how === 'in the middle of a transfer') wire.vanish();
          else if (how === 'with a fault') wire.raw('not a frame');
          else await wire.close();
          connection?.resume();
          await released;
          await expect.poll(() => relay.sockets()).toBe(before);
          await bindAgain(relay, ports);
        });
      } finally {
        await relay.close();
      }
    });
  }

  test('a page that is closed in the middle of a transfer', async ({ bareTab: tab }) => {
    const relay = await startRelay({ limits: { resumeSeconds: 1 } });
    try {
      await withSilentPeer(async (peer, connections) => {
        const before = await relay.sockets();
        await tab.connect(relay.endpoint);
        await tab.run(async (socket, port) => {
          await socket.try(socket.bind('127.0.0.1', 0));
          const [c] = await socket.try(socket.connect('127.0.0.1', port));
          void c.send('x'.repeat(4 * 1024 * 1024));
        }, peer);
        const [connection] = await connections;
        const released = closing(connection);
        await tab.page.close();
        connection?.resume();
        await released;
        await expect.poll(() => relay.sockets()).toBe(before);
      });
    } finally {
      await relay.close();
    }
  });
});

/** Opens a listener, a connection to `peer`, and a UDP socket; returns the ports that are bound. */
async function busy(wire: Wire, peer: number): Promise<{ tcp: number; udp: number }> {
  wire.send(TCP, [FRAME.OPEN, 2, 0, 4], [FRAME.OPEN, 3, 1, 4]);
  await wire.ask([FRAME.BIND, 1, 1, LOOPBACK]);
  await wire.ask([FRAME.LISTEN, 2, 1, 5]);
  await wire.ask([FRAME.CONNECT, 3, 2, endpoint4('127.0.0.1', peer)]);
  await wire.next(FRAME.CONNECTED);
  await wire.ask([FRAME.BIND, 4, 3, LOOPBACK]);
  return {
    tcp: portOf(await wire.ask([FRAME.GETSOCKNAME, 5, 1])),
    udp: portOf(await wire.ask([FRAME.GETSOCKNAME, 6, 3])),
  };
}

async function bindAgain(relay: RelayProcess, ports: { tcp: number; udp: number }): Promise<void> {
  const wire = await Wire.greet(relay.endpoint);
  wire.send(TCP, [FRAME.OPEN, 2, 1, 4]);
  await wire.ask([FRAME.BIND, 1, 1, endpoint4('127.0.0.1', ports.tcp)]);
  await wire.ask([FRAME.BIND, 2, 2, endpoint4('127.0.0.1', ports.udp)]);
  await wire.close();
}

/** Settles when a connection has closed, in whatever way (events.once would throw at a reset). */
function closing(connection: Socket | undefined): Promise<void> {
  return new Promise((resolve) => connection?.once('close', () => resolve()));
}

/** A TCP server that reads nothing; `connections` settles with the first connection. */
async function withSilentPeer(body: (port: number, connections: Promise<Socket[]>) => Promise<void>): Promise<void> {
  const server: Server = createServer({ pauseOnConnect: true });
  const sockets: Socket[] = [];
  server.on('connection', (socket) => {
    sockets.push(socket);
    socket.on('error', () => {}); // a reset is an end too
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  try {
    const first = once(server, 'connection') as Promise<Socket[]>;
    await body(address !== null && typeof address === 'object' ? address.port : 0, first);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}
