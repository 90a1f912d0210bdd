/** A session's life: from the handshake through sockets to its end. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { unpackEndpoint } from '@luasocket-web/shared/address';
import { HOW, KIND, USE } from '@luasocket-web/shared/frames';
import { describe, expect, test } from 'vitest';
import { RawClient } from './support/client.ts';
import { startPeer, startRelay, until } from './support/relay.ts';

const loopback = (port: number) => ({ family: 4, address: '127.0.0.1', port }) as const;

/** A stream `id` from the client to a peer. */
async function connectStream(client: RawClient, id: number, port: number): Promise<void> {
  client.send({ type: 'open', socket: id, kind: KIND.tcp, family: 4 });
  await client.ask((request) => ({ type: 'connect', request, socket: id, target: loopback(port) }));
  await client.next('connected', ({ socket }) => socket === id);
}

describe('TCP', () => {
  test('connects, carries bytes both ways, and ends in good order', async () => {
    const relay = await startRelay();
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    client.send({ type: 'open', socket: 1, kind: KIND.tcp, family: 4 });
    const local = await client.ask((request) => ({ type: 'connect', request, socket: 1, target: loopback(peer.port) }));
    const connected = await client.next('connected');
    const far = await peer.connection();
    expect(connected.peer).toMatchObject(loopback(peer.port));
    expect(unpackEndpoint(local as Uint8Array)).toMatchObject(loopback(far.remotePort ?? 0));

    client.send({ type: 'data', socket: 1, payload: Buffer.from('ping') });
    const [heard] = await once(far.resume(), 'data');
    expect(String(heard)).toBe('ping');
    far.end('pong');
    const { payload } = await client.next('data');
    expect(Buffer.from(payload).toString()).toBe('pong');
    await client.next('end', ({ socket }) => socket === 1);
    client.send({ type: 'close', socket: 1, consumed: 4 });
    await once(far, 'close');
    await client.barrier();
    expect(relay.stats.sockets).toBe(0);
  });

  test('tells why an attempt failed, and the socket can try again', async () => {
    const relay = await startRelay();
    const peer = await startPeer();
    const gone = await startPeer();
    await new Promise((resolve) => gone.server.close(resolve));
    const client = await RawClient.connect(relay);
    client.send({ type: 'open', socket: 1, kind: KIND.tcp, family: 4 });
    await client.ask((request) => ({ type: 'connect', request, socket: 1, target: loopback(gone.port) }));
    expect(await client.next('error')).toMatchObject({ socket: 1, error: 'ECONNREFUSED' });
    await client.ask((request) => ({ type: 'connect', request, socket: 1, target: loopback(peer.port) }));
    await client.next('connected');
  });

  test('half-close: the peer hears the end, and its answer still comes', async () => {
    const relay = await startRelay();
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    await connectStream(client, 1, peer.port);
    const far = await peer.connection();
    client.send({ type: 'data', socket: 1, payload: Buffer.from('question') });
    client.send({ type: 'shutdown', socket: 1, how: HOW.send });
    let heard = '';
    far.on('data', (chunk) => {
      heard += String(chunk);
    });
    await once(far.resume(), 'end');
    expect(heard).toBe('question');
    far.end('answer');
    expect(Buffer.from((await client.next('data')).payload).toString()).toBe('answer');
    await client.next('end');
  });

  test('CLOSE resets when the program has not taken all that was read', async () => {
    const relay = await startRelay();
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    await connectStream(client, 1, peer.port);
    const far = await peer.connection();
    far.resume().write('unread');
    await client.next('data');
    client.send({ type: 'close', socket: 1, consumed: 2 });
    const [error] = await once(far, 'error');
    expect(error).toMatchObject({ code: 'ECONNRESET' });
  });

  test('a pipelined CONNECT to a look-up that is still under way', async () => {
    const relay = await startRelay();
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    const [resolve, connecting, option] = [client.number(), client.number(), client.number()];
    client.send(
      { type: 'open', socket: 1, kind: KIND.tcp, family: 4 },
      {
        type: 'resolve',
        request: resolve,
        host: 'localhost',
        service: String(peer.port),
        family: 4,
        kind: KIND.tcp,
        use: USE.connect,
      },
      { type: 'connect', request: connecting, socket: 1, target: { request: resolve, index: 0 } },
      { type: 'setoption', request: option, socket: 1, option: 'tcp-nodelay', value: true },
    );
    await client.next('connected');
    expect(await client.answer(option)).toBeNull();
    expect(await client.answer(resolve)).toHaveLength(1);
  });

  test('a target whose look-up failed, lies beyond its result, or is unknown', async () => {
    const relay = await startRelay();
    const client = await RawClient.connect(relay);
    client.send({ type: 'open', socket: 1, kind: KIND.tcp, family: 4 });
    const look = (host: string) => {
      const request = client.number();
      const question = { host, service: '80', family: 4, kind: KIND.tcp, use: USE.connect };
      client.send({ type: 'resolve', request, ...question });
      return request;
    };
    const bindTo = (request: number, index: number) =>
      client.ask((bind) => ({ type: 'bind', request: bind, socket: 1, target: { request, index } }));
    expect(await bindTo(look('not a name'), 0)).toEqual({ error: 'EAI_NONAME' });
    expect(await bindTo(look('127.0.0.1'), 1)).toEqual({ error: 'EAI_NONAME' });
    expect(await bindTo(12_345, 0)).toEqual({ error: 'EINVAL' });
  });

  test('CLOSE answers the requests that were waiting for a look-up', async () => {
    const relay = await startRelay();
    const client = await RawClient.connect(relay);
    const [resolve, connecting] = [client.number(), client.number()];
    const question = { host: 'localhost', service: '80', family: 4, kind: KIND.tcp, use: USE.connect };
    client.send(
      { type: 'open', socket: 1, kind: KIND.tcp, family: 4 },
      { type: 'resolve', request: resolve, ...question },
      { type: 'connect', request: connecting, socket: 1, target: { request: resolve, index: 0 } },
      { type: 'close', socket: 1, consumed: 0 },
    );
    expect(await client.answer(connecting)).toEqual({ error: 'EBADF' });
  });
});

describe('listening', () => {
  async function listening(client: RawClient, id: number, backlog: number): Promise<number> {
    client.send({ type: 'open', socket: id, kind: KIND.tcp, family: 4 });
    await client.ask((request) => ({ type: 'bind', request, socket: id, target: loopback(0) }));
    await client.ask((request) => ({ type: 'listen', request, socket: id, backlog }));
    const name = await client.ask((request) => ({ type: 'getsockname', request, socket: id }));
    return unpackEndpoint(name as Uint8Array).port;
  }

  test('accepts, and carries bytes once the program has taken the connection', async () => {
    const relay = await startRelay();
    const client = await RawClient.connect(relay);
    const port = await listening(client, 1, 5);
    const far = connect(port, '127.0.0.1');
    far.write('hello');
    const { socket, listener, peer } = await client.next('accepted');
    expect(listener).toBe(1);
    expect(socket).toBeGreaterThanOrEqual(2 ** 30);
    expect(peer.port).toBe(far.localPort);
    client.send({ type: 'accept', socket });
    expect(Buffer.from((await client.next('data')).payload).toString()).toBe('hello');
    client.send({ type: 'data', socket, payload: Buffer.from('you') });
    const [answer] = await once(far, 'data');
    expect(String(answer)).toBe('you');
    far.destroy();
  });

  test('CLOSE of the listener resets those that were not accepted', async () => {
    const relay = await startRelay();
    const client = await RawClient.connect(relay);
    const port = await listening(client, 1, 5);
    const far = connect(port, '127.0.0.1');
    await client.next('accepted');
    client.send({ type: 'close', socket: 1, consumed: 0 });
    const [error] = await once(far, 'error');
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    await client.barrier();
    expect(relay.stats.sockets).toBe(0);
  });

  test('no more than the backlog wait; the next comes when one is taken', async () => {
    const relay = await startRelay();
    const client = await RawClient.connect(relay);
    const port = await listening(client, 1, 0);
    const first = connect(port, '127.0.0.1');
    const accepted = await client.next('accepted');
    const second = connect(port, '127.0.0.1');
    await client.barrier();
    expect(client.inbox.filter(({ type }) => type === 'accepted')).toHaveLength(0);
    client.send({ type: 'accept', socket: accepted.socket });
    await client.next('accepted');
    first.destroy();
    second.destroy();
  });
});

describe('UDP', () => {
  test('SENDTO is answered, datagrams come back with their peer', async () => {
    const relay = await startRelay();
    const client = await RawClient.connect(relay);
    for (const socket of [1, 2]) {
      client.send({ type: 'open', socket, kind: KIND.udp, family: 4 });
      await client.ask((request) => ({ type: 'bind', request, socket, target: loopback(0) }));
    }
    const name = async (socket: number) =>
      unpackEndpoint((await client.ask((request) => ({ type: 'getsockname', request, socket }))) as Uint8Array);
    const [one, two] = [await name(1), await name(2)];
    const payload = Buffer.from('datagram');
    expect(await client.ask((request) => ({ type: 'sendto', request, socket: 1, peer: two, payload }))).toBeNull();
    const heard = await client.next('datagram');
    expect(heard).toMatchObject({ socket: 2, peer: one });
    expect(Buffer.from(heard.payload).toString()).toBe('datagram');
    client.send({ type: 'datagram', socket: 2, peer: one, payload });
    expect(await client.next('datagram')).toMatchObject({ socket: 1, peer: two });
  });

  test('a datagram without credit is dropped, the newest first', async () => {
    const relay = await startRelay();
    const client = await RawClient.connect(relay);
    client.send({ type: 'open', socket: 1, kind: KIND.udp, family: 4 });
    client.send({ type: 'open', socket: 2, kind: KIND.udp, family: 4 });
    await client.ask((request) => ({ type: 'bind', request, socket: 1, target: loopback(0) }));
    const name = await client.ask((request) => ({ type: 'getsockname', request, socket: 1 }));
    const peer = unpackEndpoint(name as Uint8Array);
    // Five of 50,000 bytes do not fit a queue of 212,992.
    for (let i = 0; i < 5; i++) {
      await client.ask((request) => ({
        type: 'sendto',
        request,
        socket: 2,
        peer,
        payload: Buffer.alloc(50_000, 65 + i),
      }));
    }
    await client.barrier();
    const heard = client.inbox.flatMap((frame) => (frame.type === 'datagram' ? [frame.payload[0]] : []));
    expect(heard).toEqual([65, 66, 67, 68]);
    client.send({ type: 'credit', socket: 1, bytes: 50_064 });
    await client.ask((request) => ({ type: 'sendto', request, socket: 2, peer, payload: Buffer.from('again') }));
    expect(await client.next('datagram', ({ payload }) => payload.length === 5)).toMatchObject({ socket: 1 });
  });
});

describe('leases', () => {
  test('a leased port can be bound, and another lease is granted', async () => {
    const relay = await startRelay();
    const client = await RawClient.connect(relay, 1);
    const { port } = await client.next('lease', ({ kind, family }) => kind === KIND.tcp && family === 4);
    client.send({ type: 'open', socket: 1, kind: KIND.tcp, family: 4 });
    expect(await client.ask((request) => ({ type: 'bind', request, socket: 1, target: loopback(port) }))).toBeNull();
    await client.next('lease', (frame) => frame.kind === KIND.tcp && frame.family === 4);
    const name = await client.ask((request) => ({ type: 'getsockname', request, socket: 1 }));
    expect(unpackEndpoint(name as Uint8Array)).toMatchObject(loopback(port));
  });

  test('are given up at the end of the session', async () => {
    const relay = await startRelay();
    const client = await RawClient.connect(relay, 1);
    const { port } = await client.next('lease', ({ kind, family }) => kind === KIND.tcp && family === 4);
    client.ws.close(1000);
    await until(() => relay.stats.sessions === 0);
    const other = await RawClient.connect(relay);
    other.send({ type: 'open', socket: 1, kind: KIND.tcp, family: 4 });
    expect(await other.ask((request) => ({ type: 'bind', request, socket: 1, target: loopback(port) }))).toBeNull();
  });
});

describe('the end', () => {
  test('a client that says good-bye releases everything', async () => {
    const relay = await startRelay();
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    await connectStream(client, 1, peer.port);
    const far = await peer.connection();
    client.ws.close(1000);
    await once(far.resume(), 'end');
    await until(() => relay.stats.sessions === 0);
    expect(relay.stats.sockets).toBe(0);
  });

  test('a client that vanishes in the middle of its operations releases everything when its session expires', async () => {
    const relay = await startRelay({ limits: { resumeSeconds: 0 } });
    const peer = await startPeer();
    const client = await RawClient.connect(relay, 2);
    await connectStream(client, 1, peer.port);
    const far = await peer.connection();
    const question = { host: 'localhost', service: '80', family: 4, kind: KIND.tcp, use: USE.connect };
    client.send({ type: 'resolve', request: client.number(), ...question });
    client.send({ type: 'data', socket: 1, payload: Buffer.alloc(100_000) });
    client.ws.terminate();
    await once(far.resume(), 'end');
    await until(() => relay.stats.sessions === 0);
  });

  test('a relay that closes ends its sessions, and their peers', async () => {
    const relay = await startRelay();
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    await connectStream(client, 1, peer.port);
    const far = await peer.connection();
    const ended = once(far.resume(), 'error');
    await relay.close();
    expect(await client.closed).toEqual({ code: 4013, reason: 'going_away' });
    await ended;
  });
});
