/** Limits that do not depend on what a session does with its sockets: pace, addresses, the HTTP door, the metrics. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { encodeFrame } from '@luasocket-web/shared/codec';
import { describe, expect, onTestFinished, test } from 'vitest';
import { clientAddress } from '../src/client-address.ts';
import { Bucket } from '../src/limits/bucket.ts';
import { customerOf } from '../src/limits/occupancy.ts';
import { RawClient } from './support/client.ts';
import { startPeer, startRelay } from './support/relay.ts';
import { connectTo, LOOPBACK, open } from './support/stranger.ts';
import { connectWith, ORIGIN, startPublicRelay } from './support/tickets.ts';

/** The value of a metric, 0 when it is not there. */
async function metric(port: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}

describe('a bucket', () => {
  test('gives a burst, then so many a second', () => {
    const bucket = new Bucket(10, 20);
    const taken = (now: number) => Array.from({ length: 1000 }, () => bucket.take(now)).filter(Boolean).length;
    expect([taken(0), taken(0), taken(1000), taken(1100), taken(60_000)]).toEqual([20, 0, 10, 1, 20]);
  });

  test('says for how long it owes', () => {
    const bucket = new Bucket(1000, 1000);
    expect([bucket.owe(0, 1000), bucket.owe(0, 500), bucket.owe(250, 0), bucket.owe(500, 0)]).toEqual([0, 500, 250, 0]);
  });
});

describe('pace', () => {
  test('more bytes than a ticket grants arrive all the same, later', async () => {
    const peer = await startPeer();
    const { relay, ticket } = await startPublicRelay();
    const claims = { ...LOOPBACK, quota: { bytesPerSecond: 100_000 } };
    const client = await connectWith(relay, await ticket(claims));
    open(client, 1, 'tcp');
    await connectTo(client, 1, '127.0.0.1', peer.port);
    await client.next('connected');
    const far = await peer.connection();
    let heard = 0;
    far.on('data', (chunk) => {
      heard += chunk.length;
      far.emit('counted');
    });
    const begin = performance.now();
    for (let i = 0; i < 5; i++) client.send({ type: 'data', socket: 1, payload: Buffer.alloc(30_000) });
    far.resume();
    while (heard < 150_000) await once(far, 'counted');
    // A second's worth at once, and half a second for the rest: the least that it can have taken.
    expect(performance.now() - begin).toBeGreaterThan(150);
    expect(await metric(relay.address.port, 'luasocket_relay_limits_reached_total{limit="throttle"}')).toBeGreaterThan(
      0,
    );
  });

  test('a flood of tiny frames slows its own session down, and no other', async () => {
    const { relay, ticket } = await startPublicRelay({ limits: { framesPerSecond: 1000 } });
    const flooding = await connectWith(relay, await ticket());
    const calm = await connectWith(relay, await ticket());
    // More than what is read from a WebSocket at once.
    const pings = Buffer.concat(Array.from({ length: 5000 }, () => encodeFrame({ type: 'ping', token: 1 })));
    for (let i = 0; i < 20; i++) flooding.raw(pings);
    const slow = flooding.barrier().then(() => 'flooding');
    const fast = Promise.all(Array.from({ length: 20 }, () => calm.barrier())).then(() => 'calm');
    expect(await Promise.race([slow, fast])).toBe('calm');
    flooding.ws.terminate();
    await slow.catch(() => {});
  });
});

describe('sessions of one address', () => {
  test('so many, and X-Forwarded-For makes no difference', async () => {
    const { relay, ticket } = await startPublicRelay({ limits: { sessionsPerAddress: 2 } });
    await connectWith(relay, await ticket());
    await connectWith(relay, await ticket());
    const forging = await RawClient.dial(relay, { origin: ORIGIN, 'x-forwarded-for': '198.51.100.7' });
    forging.send({ type: 'hello', version: 1, ticket: await ticket(), leases: 0 });
    expect((await forging.next('fault')).code).toBe('limit');
    const name = 'luasocket_relay_limits_reached_total{limit="sessionsPerAddress"}';
    expect(await metric(relay.address.port, name)).toBe(1);
  });

  test('behind a trusted proxy its word counts, as far as it wrote it', async () => {
    const config = { limits: { sessionsPerAddress: 1 }, trustedProxy: ['127.0.0.1'] };
    const { relay, ticket } = await startPublicRelay(config);
    const knock = async (forwarded: string): Promise<string> => {
      const client = await RawClient.dial(relay, { origin: ORIGIN, 'x-forwarded-for': forwarded });
      client.send({ type: 'hello', version: 1, ticket: await ticket(), leases: 0 });
      return (await Promise.race([client.next('welcome'), client.next('fault')])).type;
    };
    expect(await knock('198.51.100.7')).toBe('welcome');
    expect(await knock('198.51.100.8')).toBe('welcome');
    expect(await knock('203.0.113.1, 198.51.100.7')).toBe('fault');
  });

  test.each([
    [undefined, '127.0.0.1'],
    ['198.51.100.7', '198.51.100.7'],
    ['6.6.6.6, 198.51.100.7', '198.51.100.7'],
    ['6.6.6.6, 198.51.100.7, 10.0.0.2', '198.51.100.7'],
    ['2001:db8::7', '2001:db8::7'],
    ['nonsense', '127.0.0.1'],
    ['198.51.100.7, unknown', '127.0.0.1'],
    ['', '127.0.0.1'],
  ])('X-Forwarded-For %j is %s', (header, address) => {
    const request = { socket: { remoteAddress: '::ffff:127.0.0.1' }, headers: { 'x-forwarded-for': header } };
    const proxies = ['127.0.0.0/8', '10.0.0.0/8'];
    expect(clientAddress(request as unknown as Parameters<typeof clientAddress>[0], proxies)).toBe(address);
    expect(clientAddress(request as unknown as Parameters<typeof clientAddress>[0], [])).toBe('127.0.0.1');
  });

  test('an IPv6 customer is its network of 64 bits', () => {
    expect(customerOf('2001:db8:1:2::3')).toBe(customerOf('2001:db8:1:2:ffff::'));
    expect(customerOf('2001:db8:1:2::3')).not.toBe(customerOf('2001:db8:1:3::3'));
    expect(customerOf('192.0.2.1')).not.toBe(customerOf('192.0.2.2'));
  });
});

describe('the HTTP door', () => {
  test('who sends its headers slowly is not waited for', async () => {
    const relay = await startRelay({ limits: { handshakeSeconds: 0.2 } });
    const slow = connect(relay.address.port, '127.0.0.1');
    slow.on('error', () => {});
    onTestFinished(() => {
      slow.destroy();
    });
    slow.write('GET /relay HTTP/1.1\r\nHost: x\r\n');
    const drip = setInterval(() => slow.write('X-Slow: 1\r\n'), 20);
    slow.resume();
    await new Promise((done) => slow.on('close', done));
    clearInterval(drip);
    expect((await fetch(`http://127.0.0.1:${relay.address.port}/healthz`)).status).toBe(200);
  });

  test('who says nothing on its WebSocket is not waited for', async () => {
    const relay = await startRelay({ limits: { handshakeSeconds: 0.1 } });
    const client = await RawClient.dial(relay);
    expect((await client.next('fault')).code).toBe('timeout');
  });
});

describe('/metrics', () => {
  test('counts sessions, sockets, bytes, denials, resumes, and the loop’s delay', async () => {
    const peer = await startPeer();
    const { relay, ticket } = await startPublicRelay();
    const client = await connectWith(relay, await ticket(LOOPBACK));
    open(client, 1, 'tcp');
    open(client, 2, 'udp');
    await connectTo(client, 1, '127.0.0.1', peer.port);
    await client.next('connected');
    const far = await peer.connection();
    client.send({ type: 'data', socket: 1, payload: Buffer.alloc(1000) });
    far.resume().write(Buffer.alloc(500));
    await client.next('data');
    open(client, 3, 'tcp');
    await connectTo(client, 3, '10.0.0.1', 80);
    const text = await (await fetch(`http://127.0.0.1:${relay.address.port}/metrics`)).text();
    for (const line of [
      'luasocket_relay_sessions{state="attached"} 1',
      'luasocket_relay_sockets{kind="tcp"} 2',
      'luasocket_relay_sockets{kind="udp"} 1',
      'luasocket_relay_bytes_total{kind="tcp",direction="out"} 1000',
      'luasocket_relay_bytes_total{kind="tcp",direction="in"} 500',
      'luasocket_relay_denials_total{reason="private"} 1',
      'luasocket_relay_session_events_total{event="begun"} 1',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    expect(text).toContain('nodejs_eventloop_lag_p99_seconds');
  });

  test('a resume is counted', async () => {
    const relay = await startRelay();
    const client = await RawClient.connect(relay);
    client.ws.terminate();
    await client.closed;
    const again = await RawClient.resume(relay, client, { ...client.welcome, generation: 2 });
    await again.next('resumed');
    const name = 'luasocket_relay_session_events_total{event="resumed"}';
    expect(await metric(relay.address.port, name)).toBe(1);
  });

  test('is for those that were named', async () => {
    const { relay } = await startPublicRelay({ metricsFrom: ['192.0.2.1'] });
    const url = `http://127.0.0.1:${relay.address.port}/metrics`;
    expect((await fetch(url)).status).toBe(403);
    const usual = await startPublicRelay();
    const proxied = await fetch(`http://127.0.0.1:${usual.relay.address.port}/metrics`, {
      headers: { 'x-forwarded-for': '127.0.0.1' },
    });
    expect(proxied.status).toBe(403);
  });
});
