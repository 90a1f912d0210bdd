/** A session that outlives its WebSocket: nothing lost, nothing doubled, nobody else gets it. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { KIND } from '@luasocket-web/shared/frames';
import type { RelayConfig } from 'luasocket-relay';
import { describe, expect, onTestFinished, test } from 'vitest';
import { sign } from '../src/session/mac.ts';
import { RawClient } from './support/client.ts';
import { startPeer, startRelay, until } from './support/relay.ts';

const REFUSED = { code: 4010, reason: 'not_resumable' };
const loopback = (port: number) => ({ family: 4, address: '127.0.0.1', port }) as const;

async function connected(config: RelayConfig = {}): Promise<{
  relay: Awaited<ReturnType<typeof startRelay>>;
  client: Awaited<ReturnType<typeof RawClient.connect>>;
  far: Socket;
}> {
  const relay = await startRelay(config);
  const peer = await startPeer();
  const client = await RawClient.connect(relay);
  client.send({ type: 'open', socket: 1, kind: KIND.tcp, family: 4 });
  client.send({ type: 'connect', request: client.number(), socket: 1, target: loopback(peer.port) });
  await client.next('connected');
  return { relay, client, far: await peer.connection() };
}

describe('a resumed session', () => {
  test('gets what was sent while nobody was there, once and in order', async () => {
    const { relay, client, far } = await connected();
    far.write('one');
    await client.next('data');
    client.ws.terminate();
    await client.closed;
    far.write('two');
    far.end('three');
    const next = await RawClient.resume(relay, client, { ...client.welcome, generation: 2 });
    await next.next('resumed');
    await next.next('end');
    const heard = next.inbox.flatMap((frame) => (frame.type === 'data' ? [Buffer.from(frame.payload).toString()] : []));
    expect(heard.join('')).toBe('twothree');
  });

  test('what the client had not received is sent again', async () => {
    const { relay, client, far } = await connected();
    const before = client.received;
    far.write('again');
    await client.next('data');
    client.ws.terminate();
    // As if DATA had been lost with the WebSocket.
    client.received = before;
    const next = await RawClient.resume(relay, client, { ...client.welcome, generation: 2 });
    expect(Buffer.from((await next.next('data')).payload).toString()).toBe('again');
  });

  test('answers with its own count, so that the client sends again what is missing', async () => {
    const { relay, client, far } = await connected();
    client.send({ type: 'data', socket: 1, payload: Buffer.from('sent') });
    await once(far.resume(), 'data');
    client.ws.terminate();
    const next = await RawClient.resume(relay, client, { ...client.welcome, generation: 2 });
    const resumed = await next.next('resumed');
    // OPEN, CONNECT, DATA
    expect(resumed.received).toBe(3);
    const { nonce } = next;
    const { session, key } = client.welcome;
    expect(Buffer.from(resumed.mac)).toEqual(sign(key, 'relay', { nonce, session, generation: 2, received: 3 }));
    next.send({ type: 'data', socket: 1, payload: Buffer.from(' more') });
    const [heard] = await once(far, 'data');
    expect(String(heard)).toBe(' more');
  });

  test('takes over while the old WebSocket still stands, and that one is told', async () => {
    const { relay, client } = await connected();
    const next = await RawClient.resume(relay, client, { ...client.welcome, generation: 2 });
    await next.next('resumed');
    expect(await client.closed).toEqual({ code: 4012, reason: 'replaced' });
    expect(relay.stats).toMatchObject({ sessions: 1, sockets: 1 });
  });

  test('can be resumed again when the answer to a resume was lost', async () => {
    const { relay, client, far } = await connected();
    client.ws.terminate();
    for (const generation of [2, 3, 5]) {
      const next = await RawClient.resume(relay, client, { ...client.welcome, generation });
      await next.next('resumed');
      next.ws.terminate();
    }
    const last = await RawClient.resume(relay, client, { ...client.welcome, generation: 6 });
    far.write('all the same');
    expect(Buffer.from((await last.next('data')).payload).toString()).toBe('all the same');
  });

  test('has the credit of its datagrams back', async () => {
    const relay = await startRelay();
    const client = await RawClient.connect(relay);
    for (const socket of [1, 2]) client.send({ type: 'open', socket, kind: KIND.udp, family: 4 });
    const [bind, fill] = [client.number(), client.number()];
    client.send({ type: 'bind', request: bind, socket: 1, target: loopback(0) });
    await client.answer(bind);
    client.send({ type: 'getsockname', request: fill, socket: 1 });
    const name = (await client.answer(fill)) as Uint8Array;
    const peer = loopback(((name[4] ?? 0) << 8) | (name[5] ?? 0));
    const payload = Buffer.alloc(60_000);
    const sendOne = (from: RawClient) => from.ask((request) => ({ type: 'sendto', request, socket: 2, peer, payload }));
    for (let i = 0; i < 3; i++) await sendOne(client);
    await client.barrier();
    expect(client.inbox.filter(({ type }) => type === 'datagram')).toHaveLength(3);
    client.ws.terminate();
    const next = await RawClient.resume(relay, client, { ...client.welcome, generation: 2 });
    await next.next('resumed');
    for (let i = 0; i < 3; i++) await sendOne(next);
    for (let i = 0; i < 3; i++) await next.next('datagram');
  });
});

describe('the gap', () => {
  test('costs the relay no more memory than the pool: who sends to a client that is away is stopped', async () => {
    const download = 128 * 1024;
    const { relay, client, far } = await connected({ limits: { download } });
    client.ws.terminate();
    await client.closed;
    const blocks = Array.from({ length: 64 }, (_, i) => Buffer.alloc(256 * 1024, i + 1));
    let taken = 0;
    for (const block of blocks) far.write(block, () => taken++);
    far.end();
    // Nobody reads any more: what the kernels' buffers do not hold stays with the peer.
    await until(() => relay.stats.keptBytes >= download / 2);
    let before = -1;
    while (before !== taken) {
      before = taken;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(taken).toBeLessThan(blocks.length);
    expect(relay.stats.keptBytes).toBeLessThan(download + 1024 * 1024);
    // And none of it is lost.
    const next = await RawClient.resume(relay, client, { ...client.welcome, generation: 2 });
    await next.next('resumed');
    const all = Buffer.concat(blocks);
    let received = 0;
    while (received < all.length) {
      const { payload } = await next.next('data');
      expect(all.subarray(received, received + payload.length).equals(payload)).toBe(true);
      received += payload.length;
      next.send({ type: 'credit', socket: 1, bytes: payload.length });
    }
    await next.next('end');
  });

  test('of many connections that nobody accepts is bounded by the backlog', async () => {
    const relay = await startRelay();
    const client = await RawClient.connect(relay);
    client.send({ type: 'open', socket: 1, kind: KIND.tcp, family: 4 });
    const listening = client.number();
    client.send({ type: 'listen', request: listening, socket: 1, backlog: 5 });
    await client.answer(listening);
    const name = (await client.ask((request) => ({ type: 'getsockname', request, socket: 1 }))) as Uint8Array;
    const port = ((name[4] ?? 0) << 8) | (name[5] ?? 0);
    client.ws.terminate();
    await client.closed;
    const peers = Array.from({ length: 50 }, () => connect(port, '127.0.0.1').on('error', () => {}));
    onTestFinished(() => {
      for (const peer of peers) peer.destroy();
    });
    for (const peer of peers) peer.write(Buffer.alloc(100_000));
    await until(() => relay.stats.sockets > 5);
    const next = await RawClient.resume(relay, client, { ...client.welcome, generation: 2 });
    await next.next('resumed');
    await next.barrier();
    const waiting = next.inbox.filter(({ type }) => type === 'accepted').length;
    expect(waiting).toBeGreaterThanOrEqual(5);
    expect(waiting).toBeLessThanOrEqual(6);
    expect(relay.stats.sockets).toBe(waiting + 1);
    expect(relay.stats.keptBytes).toBeLessThan(10_000);
  });

  test('ends after resumeSeconds: sockets are closed, ports are free, and nobody gets the session back', async () => {
    const { relay, client, far } = await connected({ limits: { resumeSeconds: 1 } });
    client.send({ type: 'open', socket: 2, kind: KIND.tcp, family: 4 });
    const listening = client.number();
    client.send({ type: 'listen', request: listening, socket: 2, backlog: 5 });
    await client.answer(listening);
    const name = (await client.ask((request) => ({ type: 'getsockname', request, socket: 2 }))) as Uint8Array;
    const port = ((name[4] ?? 0) << 8) | (name[5] ?? 0);
    client.ws.terminate();
    await once(far.resume(), 'end');
    await until(() => relay.stats.sessions === 0);
    expect(relay.stats).toEqual({ sessions: 0, sockets: 0, keptBytes: 0 });
    const heir = createServer().listen(port);
    await once(heir, 'listening');
    heir.close();
    const late = await RawClient.resume(relay, client, { ...client.welcome, generation: 2 });
    expect(await late.closed).toEqual(REFUSED);
  });
});

describe('a forged resume', () => {
  test('with a wrong key is refused, and the live session goes on', async () => {
    const { relay, client, far } = await connected();
    const { session } = client.welcome;
    for (let i = 0; i < 10; i++) {
      const forger = await RawClient.resume(relay, client, { session, key: Buffer.alloc(32, i), generation: 2 });
      expect(await forger.closed).toEqual(REFUSED);
    }
    far.write('undisturbed');
    expect(Buffer.from((await client.next('data')).payload).toString()).toBe('undisturbed');
  });

  test('of a session that does not exist gets the same words', async () => {
    const { relay, client } = await connected();
    const { session, key } = client.welcome;
    const words = async (credentials: { session: Uint8Array; key: Uint8Array; generation: number }) =>
      (await (await RawClient.resume(relay, client, credentials)).next('fault')).message;
    const unknown = await words({ session: Buffer.alloc(16), key, generation: 2 });
    const wrongKey = await words({ session, key: Buffer.alloc(32), generation: 2 });
    const repeated = await words({ session, key, generation: 1 });
    expect(new Set([unknown, wrongKey, repeated]).size).toBe(1);
  });

  test('a replay of an earlier one is worth nothing: the challenge differs', async () => {
    const { relay, client } = await connected();
    const { session, key } = client.welcome;
    const first = await RawClient.resume(relay, client, { session, key, generation: 2 });
    await first.next('resumed');
    for (const generation of [2, 3]) {
      const thief = await RawClient.dial(relay);
      const stale = sign(key, 'client', { nonce: first.nonce, session, generation, received: 0 });
      thief.send({ type: 'resume', version: 1, session, generation, received: 0, mac: stale });
      expect(await thief.closed).toEqual(REFUSED);
    }
    expect(first.ws.readyState).toBe(first.ws.OPEN);
  });

  test('with an answer to another challenge, or the relay’s own proof sent back, is worth nothing', async () => {
    const { relay, client, far } = await connected();
    const { session, key } = client.welcome;
    const first = await RawClient.resume(relay, client, { session, key, generation: 2 });
    const { mac, received } = await first.next('resumed');
    const thief = await RawClient.dial(relay);
    thief.send({ type: 'resume', version: 1, session, generation: 3, received, mac });
    expect(await thief.closed).toEqual(REFUSED);
    far.write('undisturbed');
    expect(Buffer.from((await first.next('data')).payload).toString()).toBe('undisturbed');
  });

  test('of the same generation loses against the first, however close they come', async () => {
    const { relay, client, far } = await connected();
    client.ws.terminate();
    const rivals = await Promise.all(
      Array.from({ length: 5 }, () => RawClient.resume(relay, client, { ...client.welcome, generation: 2 })),
    );
    const outcomes = await Promise.all(
      rivals.map((rival) =>
        rival.next('resumed').then(
          () => 'resumed',
          () => 'refused',
        ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'resumed')).toHaveLength(1);
    const winner = rivals[outcomes.indexOf('resumed')] as RawClient;
    far.write('to the one');
    expect(Buffer.from((await winner.next('data')).payload).toString()).toBe('to the one');
    for (const [n, rival] of rivals.entries()) {
      if (outcomes[n] === 'refused') expect((await rival.closed).code).toBe(4010);
    }
  });

  test('again and again: the address is told no more, the session goes on, and its owner is let in', async () => {
    const { relay, client, far } = await connected({ limits: { refusedResumes: 10 } });
    const { session, key } = client.welcome;
    far.setNoDelay().resume();
    far.on('data', (bytes) => far.write(bytes));
    const codes: number[] = [];
    for (let i = 0; i < 200; i++) {
      const forger = await RawClient.dial(relay);
      const mac = Buffer.alloc(32, i);
      forger.send({ type: 'resume', version: 1, session, generation: 2 + i, received: i, mac });
      // The live session answers meanwhile.
      client.send({ type: 'data', socket: 1, payload: Buffer.from([i]) });
      expect((await client.next('data')).payload[0]).toBe(i);
      codes.push((await forger.closed).code);
    }
    expect(codes.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 4010));
    expect(new Set(codes.slice(10))).toEqual(new Set([4009]));
    expect(relay.stats).toMatchObject({ sessions: 1, sockets: 1 });
    const next = await RawClient.resume(relay, client, { session, key, generation: 2 });
    await next.next('resumed');
    expect(await client.closed).toEqual({ code: 4012, reason: 'replaced' });
  });

  test('that claims to have received what was never sent', async () => {
    const { relay, client } = await connected();
    client.received += 1000;
    const next = await RawClient.resume(relay, client, { ...client.welcome, generation: 2 });
    expect(await next.closed).toEqual(REFUSED);
    expect(relay.stats.sessions).toBe(1);
    expect(client.ws.readyState).toBe(client.ws.OPEN);
  });
});

describe('keeping alive', () => {
  test('a client that falls silent loses its WebSocket, then its session', async () => {
    const relay = await startRelay({ limits: { pingSeconds: 0.02, deadSeconds: 0.1, resumeSeconds: 1 } });
    const client = await RawClient.connect(relay);
    await client.next('ping');
    expect((await client.closed).code).toBe(1006);
    expect(relay.stats.sessions).toBe(1);
    await until(() => relay.stats.sessions === 0);
  });

  test('PING is answered with the relay’s clock', async () => {
    const relay = await startRelay();
    const client = await RawClient.connect(relay);
    const before = Date.now() / 1000;
    client.send({ type: 'ping', token: 77 });
    const { token, time } = await client.next('pong');
    expect(token).toBe(77);
    expect(time).toBeGreaterThanOrEqual(before - 0.001);
    expect(time).toBeLessThanOrEqual(Date.now() / 1000);
  });

  test('sequenced frames are acknowledged without being asked', async () => {
    // No PING takes the acknowledgement along.
    const relay = await startRelay({ limits: { pingSeconds: 60, deadSeconds: 120 } });
    const client = await RawClient.connect(relay);
    client.send({ type: 'hostname', request: client.number() });
    expect(await client.next('ack')).toMatchObject({ received: 1 });
  });
});
