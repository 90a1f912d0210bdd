/** Clients that break the protocol: each loses its own session, by the fault that PROTOCOL.md names, and nobody else does. */
import { once } from 'node:events';
import { encodeFrame } from '@luasocket-web/shared/codec';
import { FAULTS, type FaultCode } from '@luasocket-web/shared/errors';
import { KIND } from '@luasocket-web/shared/frames';
import { MAX_MESSAGE } from '@luasocket-web/shared/limits';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { RawClient } from './support/client.ts';
import { startPeer, startRelay, until } from './support/relay.ts';
import { startPublicRelay } from './support/tickets.ts';

const loopback = (port: number) => ({ family: 4, address: '127.0.0.1', port }) as const;
const tcp = (socket: number) => ({ type: 'open', socket, kind: KIND.tcp, family: 4 }) as const;
const udp = (socket: number) => ({ type: 'open', socket, kind: KIND.udp, family: 4 }) as const;
const bytes = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** What a client with a session does, and the fault it is for. */
const FAULTY: readonly [what: string, fault: FaultCode, act: (client: RawClient) => void][] = [
  ['a text message', 'malformed', (client) => client.raw('hello')],
  ['bytes that are no msgpack', 'malformed', (client) => client.raw(bytes('c1'))],
  ['a truncated frame', 'malformed', (client) => client.raw(encodeFrame(tcp(1)).subarray(0, 3))],
  ['an empty message', 'malformed', (client) => client.raw(new Uint8Array(0))],
  ['a field of another type', 'malformed', (client) => client.raw(bytes('94 10 a1 41 00 04'))],
  ['a family there is not', 'malformed', (client) => client.raw(bytes('94 10 01 00 05'))],
  ['a message above the limit', 'too_large', (client) => client.raw(Buffer.alloc(MAX_MESSAGE + 1))],
  ['a frame number there is not', 'unexpected', (client) => client.raw(bytes('91 7f'))],
  ['a frame that is the relay’s', 'unexpected', (client) => client.raw(bytes('92 44 01'))],
  ['a second HELLO', 'unexpected', (client) => client.send({ type: 'hello', version: 1, ticket: null, leases: 0 })],
  ['an ACK of what was never sent', 'unexpected', (client) => client.send({ type: 'ack', received: 1_000_000 })],
  [
    'DATA for a socket that is not connected',
    'unexpected',
    (client) => client.send(tcp(1), { type: 'data', socket: 1, payload: Buffer.from('x') }),
  ],
  [
    'ACCEPT of a socket that does not wait',
    'unexpected',
    (client) => client.send(tcp(1), { type: 'accept', socket: 1 }),
  ],
  [
    'a request number that goes back',
    'unexpected',
    (client) => client.send({ type: 'hostname', request: 7 }, { type: 'hostname', request: 7 }),
  ],
  ['an id that is not in use', 'unknown_socket', (client) => client.send({ type: 'close', socket: 9, consumed: 0 })],
  [
    'an id after CLOSE',
    'unknown_socket',
    (client) => client.send(tcp(1), { type: 'close', socket: 1, consumed: 0 }, { type: 'shutdown', socket: 1, how: 1 }),
  ],
  ['an id that is in use', 'socket_in_use', (client) => client.send(tcp(1), udp(1))],
  ['an id that is the relay’s to choose', 'socket_in_use', (client) => client.send(tcp(2 ** 30))],
  ['the id 0', 'socket_in_use', (client) => client.send(tcp(0))],
  [
    'LISTEN on a UDP socket',
    'wrong_kind',
    (client) => client.send(udp(1), { type: 'listen', request: 1, socket: 1, backlog: 1 }),
  ],
  [
    'DATA on a UDP socket',
    'wrong_kind',
    (client) => client.send(udp(1), { type: 'data', socket: 1, payload: Buffer.from('x') }),
  ],
  [
    'a datagram on a TCP socket',
    'wrong_kind',
    (client) => client.send(tcp(1), { type: 'datagram', socket: 1, peer: null, payload: Buffer.from('x') }),
  ],
  [
    'CREDIT for what was never sent',
    'overrun',
    (client) => client.send(tcp(1), { type: 'credit', socket: 1, bytes: 1 }),
  ],
  [
    'more sockets than there may be',
    'limit',
    (client) => {
      for (let id = 1; id <= 9; id++) client.send(udp(id));
    },
  ],
  [
    'more requests than may be unanswered',
    'limit',
    (client) => {
      // In one message, or some are answered before the last one comes.
      client.send(...Array.from({ length: 65 }, (_, i) => ({ type: 'barrier', request: i + 1 }) as const));
    },
  ],
];

describe('in a session', () => {
  test.each(FAULTY)('%s is the fault %s', async (_what, fault, act) => {
    const relay = await startRelay({ limits: { sockets: 4, requests: 64 } });
    const peer = await startPeer();
    const neighbour = await RawClient.connect(relay);
    neighbour.send(tcp(1), { type: 'connect', request: neighbour.number(), socket: 1, target: loopback(peer.port) });
    await neighbour.next('connected');
    const far = await peer.connection();

    const client = await RawClient.connect(relay);
    act(client);
    expect((await client.next('fault')).code).toBe(fault);
    expect(await client.closed).toEqual({ code: FAULTS[fault].close, reason: fault });
    await until(() => relay.stats.sessions === 1);
    expect(relay.stats.sockets).toBe(1);

    neighbour.send({ type: 'data', socket: 1, payload: Buffer.from('still here') });
    const [heard] = await once(far.resume(), 'data');
    expect(String(heard)).toBe('still here');
  });

  test('DATA beyond the credit is the fault overrun', async () => {
    const relay = await startRelay({ limits: { upload: 65_536 } });
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    client.send(tcp(1), { type: 'connect', request: client.number(), socket: 1, target: loopback(peer.port) });
    await client.next('connected');
    await peer.connection();
    // The peer reads nothing, so the kernel's buffers fill and no credit comes back any more.
    const flood = Buffer.alloc(128 * 1024);
    for (let i = 0; i < 200 && client.ws.readyState === WebSocket.OPEN; i++) {
      client.send({ type: 'data', socket: 1, payload: flood });
    }
    expect((await client.next('fault')).code).toBe('overrun');
  });

  test('a client that asks and never reads is dropped before it costs much', async () => {
    const relay = await startRelay({
      limits: { download: 65_536, deadSeconds: 0.5, pingSeconds: 0.1, resumeSeconds: 0 },
    });
    const client = await RawClient.connect(relay);
    client.ws.pause();
    let request = 0;
    while (relay.stats.sessions > 0) {
      // 64 KiB of answers for each turn; the relay must stop reading us, or end the session.
      for (let i = 0; i < 1000 && client.ws.bufferedAmount < 1_000_000; i++) {
        client.send({ type: 'hostname', request: ++request });
      }
      await new Promise((resolve) => setImmediate(resolve));
      expect(relay.stats.keptBytes).toBeLessThan(65_536 + 1024 * 1024 + 1024);
    }
    client.ws.terminate();
  });

  test('whatever bytes come, the relay lives and knows the session’s end', async () => {
    const relay = await startRelay();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 64 }), async (message) => {
        const client = await RawClient.connect(relay);
        client.raw(message);
        client.send({ type: 'ping', token: 1 });
        const alive = client.next('pong').then(() => client.ws.close(1000));
        await Promise.race([alive, client.closed]);
        await Promise.allSettled([alive, client.closed]);
      }),
      { numRuns: 150 },
    );
    await until(() => relay.stats.sessions === 0);
    await RawClient.connect(relay);
  });

  test('a message that takes long lets others have their answers meanwhile', async () => {
    const relay = await startRelay();
    const [client, neighbour] = [await RawClient.connect(relay), await RawClient.connect(relay)];
    const sockets = Array.from({ length: 10_000 }, (_, i) => [
      encodeFrame(tcp(i + 1)),
      encodeFrame({ type: 'close', socket: i + 1, consumed: 0 }),
    ]).flat();
    const ping = (token: number) => encodeFrame({ type: 'ping', token });
    client.raw(Buffer.concat([ping(1), ...sockets, ping(2)]));
    await client.next('pong');
    await neighbour.barrier();
    expect(client.inbox.filter(({ type }) => type === 'pong')).toEqual([]);
    await client.next('pong');
    expect(relay.stats.sockets).toBe(0);
  });

  test('a FAULT from the client ends its session', async () => {
    const relay = await startRelay();
    const client = await RawClient.connect(relay);
    client.send({ type: 'fault', code: 'internal', message: 'a defect of mine' });
    await client.closed;
    expect(relay.stats.sessions).toBe(0);
  });
});

describe('before there is a session', () => {
  test('the relay speaks first', async () => {
    const relay = await startRelay();
    const client = await RawClient.dial(relay);
    expect(await client.next('challenge')).toMatchObject({ version: 1 });
  });

  test('a HELLO that does not come in time', async () => {
    const relay = await startRelay({ limits: { handshakeSeconds: 0.05 } });
    const client = await RawClient.dial(relay);
    expect(await client.closed).toEqual({ code: 4011, reason: 'timeout' });
  });

  test('another frame than HELLO', async () => {
    const relay = await startRelay();
    const client = await RawClient.dial(relay);
    client.send(tcp(1));
    expect((await client.next('fault')).code).toBe('unexpected');
  });

  test('a frame behind HELLO, before WELCOME', async () => {
    const relay = await startRelay();
    const client = await RawClient.dial(relay);
    client.send({ type: 'hello', version: 1, ticket: null, leases: 0 }, tcp(1));
    expect((await client.next('fault')).code).toBe('unexpected');
    expect(relay.stats.sessions).toBe(0);
  });

  test('a version that the relay does not speak', async () => {
    const relay = await startRelay();
    const client = await RawClient.dial(relay);
    client.raw(bytes('94 00 02 c0 00'));
    expect((await client.next('fault')).code).toBe('unsupported_version');
  });

  test('more sessions than there may be', async () => {
    const relay = await startRelay({ limits: { sessions: 1 } });
    await RawClient.connect(relay);
    const client = await RawClient.dial(relay);
    client.send({ type: 'hello', version: 1, ticket: null, leases: 0 });
    expect((await client.next('fault')).code).toBe('limit');
  });

  test('public mode without a verified ticket', async () => {
    const { relay } = await startPublicRelay();
    const client = await RawClient.dial(relay, { origin: 'https://game.example' });
    client.send({ type: 'hello', version: 1, ticket: 'anything', leases: 0 });
    expect((await client.next('fault')).code).toBe('unauthorized');
  });
});

describe('the Origin', () => {
  const statusFor = async (url: string, headers: Record<string, string>): Promise<number> => {
    const ws = new WebSocket(url, { headers });
    ws.on('error', () => {});
    const status = await Promise.race([
      once(ws, 'unexpected-response').then(([, response]) => response.statusCode as number),
      once(ws, 'open').then(() => 101),
    ]);
    ws.terminate();
    return status;
  };

  test('of strangers’ pages is refused before the upgrade, also where the Host is theirs', async () => {
    const relay = await startRelay({ origins: ['https://game.example'] });
    const { url, port } = relay.address;
    const status = (origin: string, host = `127.0.0.1:${port}`) => statusFor(url, { origin, host });
    expect(await status('https://evil.example')).toBe(403);
    expect(await status(`http://evil.example:${port}`, `evil.example:${port}`)).toBe(403);
    expect(await status('null')).toBe(403);
    expect(await status('http://localhost.evil.example')).toBe(403);
    expect(await status('http://127.0.0.1@evil.example')).toBe(403);
    expect(await status('https://game.example')).toBe(101);
    expect(await status('http://localhost:5173')).toBe(101);
    expect(await status('http://[::1]:9')).toBe(101);
    expect(await status(`http://127.0.0.1:${port}`)).toBe(101);
  });

  test('missing: allowed in development, in public mode only when told', async () => {
    const startStrict = async (allowNoOrigin = false) => (await startPublicRelay({ allowNoOrigin })).relay;
    expect(await statusFor((await startRelay()).address.url, {})).toBe(101);
    expect(await statusFor((await startStrict()).address.url, {})).toBe(403);
    expect(await statusFor((await startStrict(true)).address.url, {})).toBe(101);
    expect(await statusFor((await startStrict()).address.url, { origin: 'http://localhost' })).toBe(403);
  });

  test('another path than /relay is not there', async () => {
    const relay = await startRelay();
    expect(await statusFor(relay.address.url.replace('/relay', '/other'), {})).toBe(404);
  });
});
