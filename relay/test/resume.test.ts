/** A session that outlives its WebSocket: nothing lost, nothing doubled, nobody else gets it. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { KIND } from '@luasocket-web/shared/frames';
import { describe, expect, test } from 'vitest';
import { sign } from '../src/session/mac.ts';
import { RawClient } from './support/client.ts';
import { startPeer, startRelay, until } from './support/relay.ts';

const loopback = (port: number) => ({ family: 4, address: '127.0.0.1', port }) as const;

async function connected(): Promise<{
  relay: Awaited<ReturnType<typeof startRelay>>;
  client: Awaited<ReturnType<typeof RawClient.connect>>;
  far: Socket;
}> {
  const relay = await startRelay();
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

describe('a forged resume', () => {
  const REFUSED = { code: 4010, reason: 'not_resumable' };

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
    const thief = await RawClient.dial(relay);
    const stale = sign(key, 'client', { nonce: first.nonce, session, generation: 3, received: 0 });
    thief.send({ type: 'resume', version: 1, session, generation: 3, received: 0, mac: stale });
    expect(await thief.closed).toEqual(REFUSED);
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
    const relay = await startRelay();
    const client = await RawClient.connect(relay);
    client.send({ type: 'hostname', request: client.number() });
    expect(await client.next('ack')).toMatchObject({ received: 1 });
  });
});
