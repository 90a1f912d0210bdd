/** WebSockets over the connection that the relay has taken from its HTTP server: what comes when, and what stays as it was. */
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { encodeFrame } from '@luasocket-web/shared/codec';
import { FAULTS } from '@luasocket-web/shared/errors';
import { KIND } from '@luasocket-web/shared/frames';
import { MAX_DATA, POOL_MAX } from '@luasocket-web/shared/limits';
import { describe, expect, test } from 'vitest';
import { sign } from '../src/session/mac.ts';
import { BareClient, HELLO, message, UPGRADE } from './support/bare.ts';
import { RawClient } from './support/client.ts';
import { fragments, masked, OPCODE } from './support/masked.ts';
import { startPeer, startRelay, until } from './support/relay.ts';
import { all, data, digest, loopback, stream } from './support/streams.ts';

const request = Buffer.from(UPGRADE);
const hello = masked({ opcode: OPCODE.binary, payload: HELLO });
const ping = (token: number) => message({ type: 'ping', token });

/** Long enough for the relay's patience with a client that does not answer its close, less than that. */
const SOON = 2500;

const tokens = (client: BareClient) => client.frames.flatMap((frame) => (frame.type === 'pong' ? [frame.token] : []));

describe('together with the request', () => {
  test('HELLO, and more right behind it', async () => {
    const relay = await startRelay();
    const client = new BareClient(relay, Buffer.concat([request, hello, ping(1)]));
    await client.write(ping(2), ping(3));
    await client.next('welcome');
    await client.write(ping(4));
    await until(() => tokens(client).length === 4);
    expect(client.status).toBe('HTTP/1.1 101 Switching Protocols');
    expect(client.frames[0]?.type).toBe('challenge');
    expect(tokens(client)).toEqual([1, 2, 3, 4]);
  });

  test('a part of HELLO, wherever it is cut; the rest in crumbs', async () => {
    const relay = await startRelay();
    const bytes = Buffer.concat([hello, ping(1)]);
    for (let cut = 1; cut < bytes.length; cut++) {
      const client = new BareClient(relay, Buffer.concat([request, bytes.subarray(0, cut)]));
      await until(() => client.frames.length > 0);
      for (const byte of bytes.subarray(cut)) {
        await client.write(Buffer.of(byte));
        if (cut % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await client.write(ping(2));
      await until(() => tokens(client).length === 2);
      expect(tokens(client)).toEqual([1, 2]);
    }
  });

  test('as much as one read brings, and then more than that', async () => {
    const relay = await startRelay();
    const pings = Array.from({ length: 9000 }, (_, i) => ping(i));
    const client = new BareClient(relay, Buffer.concat([request, hello, ...pings]));
    await client.write(ping(9000));
    await until(() => tokens(client).length === 9001);
    expect(tokens(client)).toEqual(Array.from({ length: 9001 }, (_, i) => i));
  });

  test('a HELLO to a relay that the client does not ask for begins no session', async () => {
    const relay = await startRelay({ nodeId: 'here' });
    const other = Buffer.from(UPGRADE.replace('/relay', '/relay/there'));
    const client = new BareClient(relay, Buffer.concat([other, hello]));
    expect(await client.next('fault')).toMatchObject({ code: 'not_resumable' });
    expect(client.frames.some(({ type }) => type === 'welcome')).toBe(false);
    expect(relay.stats.sessions).toBe(0);
  });

  test('another request before it: the relay lives, whoever it answers', async () => {
    const relay = await startRelay();
    for (const path of ['/healthz', '/metrics', '/nowhere']) {
      const before = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
      const socket = connect(relay.address.port, '127.0.0.1').resume();
      socket.on('error', () => {});
      socket.write(Buffer.concat([before, before, request, hello]));
      await once(socket, 'close');
    }
    await RawClient.connect(relay);
  });

  test('its end', async () => {
    const relay = await startRelay({ limits: { resumeSeconds: 0 } });
    const client = new BareClient(relay, Buffer.concat([request, hello, ping(1)]));
    client.socket.end();
    await until(() => client.ended);
    expect(tokens(client)).toEqual([1]);
    await until(() => relay.stats.sessions === 0);
  });
});

describe('the end', () => {
  test('of the client’s side is that of the session’s WebSocket', async () => {
    const relay = await startRelay({ limits: { resumeSeconds: 0 } });
    const client = await BareClient.connect(relay);
    expect(relay.stats.sessions).toBe(1);
    client.socket.resetAndDestroy();
    await until(() => relay.stats.sessions === 0);
  });

  test('of the HTTP server’s side is the client’s', async () => {
    const relay = await startRelay({ limits: { httpConnections: 1 } });
    const first = new BareClient(relay, request);
    await first.next('challenge');
    new BareClient(relay, request);
    await until(() => first.ended || first.socket.destroyed);
  });

  test('of the relay leaves no connection', async () => {
    const relay = await startRelay();
    const clients = [await BareClient.connect(relay), new BareClient(relay, request)];
    await clients[1]?.next('challenge');
    const closed = relay.close();
    await until(() => clients.every(({ others }) => others.length > 0));
    for (const { socket } of clients) socket.end(masked({ opcode: OPCODE.close }));
    await until(() => clients.every(({ ended }) => ended));
    await closed;
  });

  test.each([
    [1000, 'done'],
    [1001, ''],
    [1002, ''],
    [1007, 'no text'],
    [1009, 'too long for me'],
    [4321, 'x'.repeat(123)],
  ])('said with %d is answered with it', async (code, reason) => {
    const relay = await startRelay({ limits: { resumeSeconds: 0 } });
    const client = await BareClient.connect(relay);
    const payload = Buffer.concat([Buffer.of(code >>> 8, code & 0xff), Buffer.from(reason)]);
    await client.write(ping(7));
    await client.next('pong');
    await client.write(masked({ opcode: OPCODE.close, payload }), ping(8));
    await until(() => client.ended);
    expect(tokens(client)).toEqual([7]);
    expect(client.others).toEqual([['close', code, reason]]);
    client.socket.end();
    await until(() => relay.stats.sessions === 0);
  });

  test.each([
    ['a code that may not be sent', masked({ opcode: OPCODE.close, payload: Buffer.of(0x03, 0xed) })],
    ['a code of one byte', masked({ opcode: OPCODE.close, payload: Buffer.of(3) })],
    ['a reason that is no text', masked({ opcode: OPCODE.close, payload: Buffer.of(0x03, 0xe8, 0xff) })],
    ['a frame in clear', masked({ opcode: OPCODE.binary, payload: HELLO, mask: null })],
    ['a text message', masked({ opcode: OPCODE.text, payload: HELLO })],
    ['a reserved bit', masked({ opcode: OPCODE.binary, payload: HELLO, reserved: 4 })],
    ['a continuation of nothing', masked({ opcode: OPCODE.continuation, payload: HELLO })],
  ])(
    'by %s is malformed, and waits for no answer',
    async (_what, frame) => {
      const relay = await startRelay();
      const client = await BareClient.connect(relay);
      await client.write(frame, ping(1));
      // The client does not close its side.
      await until(() => client.ended);
      expect(client.frames.at(-1)).toMatchObject({ type: 'fault', code: 'malformed' });
      expect(client.others).toEqual([['close', FAULTS.malformed.close, 'malformed']]);
      expect(relay.stats.sessions).toBe(0);
      expect(tokens(client)).toEqual([]);
    },
    SOON,
  );

  test(
    'by nonsense after the relay has closed is the end too',
    async () => {
      const relay = await startRelay();
      const client = await BareClient.connect(relay);
      await client.write(message({ type: 'close', socket: 9, consumed: 0 }));
      await client.next('fault');
      await client.write(masked({ opcode: OPCODE.text }));
      await until(() => client.ended);
    },
    SOON,
  );
});

describe('control frames', () => {
  test('PING is answered also when the client closes right behind it, and not after that (RFC 6455, section 5.5.2)', async () => {
    const relay = await startRelay();
    const client = await BareClient.connect(relay);
    const [before, after] = ['before', 'after'].map((text) =>
      masked({ opcode: OPCODE.ping, payload: Buffer.from(text) }),
    );
    const close = masked({ opcode: OPCODE.close, payload: Buffer.of(0x03, 0xe8) });
    await client.write(Buffer.concat([before as Buffer, close, after as Buffer]));
    await until(() => client.ended);
    expect(client.others).toEqual([
      ['pong', Buffer.from('before')],
      ['close', 1000, ''],
    ]);
  });

  test('PING is answered, also within a message', async () => {
    const relay = await startRelay();
    const client = await BareClient.connect(relay);
    const payload = randomFillSync(Buffer.alloc(125));
    const [first, ...rest] = fragments(encodeFrame({ type: 'ping', token: 5 }), [1, 1, 2]) as [Buffer, ...Buffer[]];
    await client.write(masked({ opcode: OPCODE.ping }), first, masked({ opcode: OPCODE.ping, payload }), ...rest);
    await client.next('pong');
    expect(client.others).toEqual([
      ['pong', Buffer.alloc(0)],
      ['pong', payload],
    ]);
  });

  test('a PONG that waits for the client shows nothing of what came later, from others neither', async () => {
    const relay = await startRelay({ limits: { download: POOL_MAX } });
    const [peer, sink] = [await startPeer(), await startPeer()];
    const client = await BareClient.connect(relay);
    const tcp = { type: 'open', socket: 1, kind: KIND.tcp, family: 4 } as const;
    await client.write(message(tcp, { type: 'connect', request: 1, socket: 1, target: loopback(peer.port) }));
    await client.next('connected');
    const far = await peer.connection();
    const heard = once(far.resume(), 'data');

    // Until the way to the client is full.
    client.socket.pause();
    const witness = await RawClient.connect(relay);
    let taken = true;
    for (let idle = 0; idle < 20; idle++) {
      if (taken) {
        idle = 0;
        taken = false;
        far.write(Buffer.alloc(256 * 1024), () => {
          taken = true;
        });
      }
      // Nothing moves any more when nothing did while somebody else got so many answers.
      await witness.barrier();
    }
    const payloads = Array.from({ length: 50 }, () => randomFillSync(Buffer.alloc(125)));
    await client.write(
      ...payloads.map((payload) => masked({ opcode: OPCODE.ping, payload })),
      message(data(1, Buffer.from('!'))),
    );
    await heard;
    const other = await RawClient.connect(relay);
    await stream(other, 1, sink);
    for (let i = 0; i < 20; i++) {
      other.send(data(1, Buffer.alloc(20_000, 0xee)));
      await other.barrier();
    }
    client.socket.resume();
    await until(() => client.others.length === payloads.length);
    expect(client.others.map(([, payload]) => payload)).toEqual(payloads);
  });
});

describe('messages in fragments', () => {
  test('HELLO, byte by byte', async () => {
    const relay = await startRelay();
    const ends = Array.from({ length: HELLO.length }, (_, i) => i);
    const client = new BareClient(relay, Buffer.concat([request, ...fragments(HELLO, ends)]));
    await client.next('welcome');
  });

  test('RESUME, with traffic of other clients between, and frames right behind', async () => {
    const relay = await startRelay();
    const [before, other] = [await RawClient.connect(relay), await RawClient.connect(relay)];
    const { session, key } = before.welcome;
    before.ws.terminate();
    await before.closed;
    const client = new BareClient(relay, request);
    const { nonce } = await client.next('challenge');
    const proven = { nonce, session, generation: 2, received: before.received };
    const resume = encodeFrame({ type: 'resume', version: 1, ...proven, mac: sign(key, 'client', proven) });
    for (const part of fragments(resume, [1, 20, 21, 50, 80])) {
      await client.write(part);
      await other.barrier();
    }
    await client.write(ping(1));
    await client.next('resumed');
    await client.next('pong');
  });

  test.each([1000, 65_536, 131_072])('an upload in fragments of %d bytes', async (size) => {
    const relay = await startRelay({ limits: { upload: POOL_MAX } });
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    const arrived = all(await stream(client, 1, peer));
    const sent = randomFillSync(Buffer.alloc(7 * 1024 * 1024));
    for (let at = 0; at < sent.length; at += MAX_DATA) {
      const whole = encodeFrame(data(1, sent.subarray(at, at + MAX_DATA)));
      for (let from = 0; from < whole.length; from += size) {
        const fin = from + size >= whole.length;
        client.ws.send(whole.subarray(from, from + size), { fin, binary: true });
      }
    }
    client.send({ type: 'shutdown', socket: 1, how: 1 });
    expect(digest(await arrived)).toBe(digest(sent));
  });
});
