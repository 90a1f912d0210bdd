/** The HTTP side, and draining. */

import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KIND } from '@luasocket-web/shared/frames';
import { describe, expect, onTestFinished, test } from 'vitest';
import { UPGRADE } from './support/bare.ts';
import { RawClient } from './support/client.ts';
import { startPeer, startRelay, until } from './support/relay.ts';
import { startPublicRelay } from './support/tickets.ts';

const loopback = (port: number) => ({ family: 4, address: '127.0.0.1', port }) as const;
const http = (relay: Awaited<ReturnType<typeof startRelay>>, path: string) =>
  fetch(`http://127.0.0.1:${relay.address.port}${path}`);

/** A directory with a page in it. */
function consoleDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'console-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'index.html'), '<title>console</title>');
  mkdirSync(join(directory, 'gallery'));
  writeFileSync(join(directory, 'gallery', 'index.html'), '<title>gallery</title>');
  return directory;
}

describe('pages', () => {
  test('health, readiness', async () => {
    const relay = await startRelay();
    expect(await (await http(relay, '/healthz')).json()).toEqual({ status: 'ok' });
    expect((await http(relay, '/readyz')).status).toBe(200);
    expect((await http(relay, '/nothing')).status).toBe(404);
  });

  test('the console, isolated so that its workers may share memory', async () => {
    const relay = await startRelay({ console: consoleDirectory() });
    const page = await http(relay, '/');
    expect(await page.text()).toContain('<title>console</title>');
    expect(page.headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(page.headers.get('cross-origin-embedder-policy')).toBe('require-corp');
  });

  test('a directory of it without its slash leads there', async () => {
    const relay = await startRelay({ console: consoleDirectory() });
    const page = await http(relay, '/gallery');
    expect(new URL(page.url).pathname).toBe('/gallery/');
    expect(await page.text()).toContain('<title>gallery</title>');
  });

  test('a console that is not there is told at once', async () => {
    await expect(startRelay({ console: '/nonexistent' })).rejects.toThrow(
      'console: /nonexistent: no index.html is there',
    );
  });

  test('in public mode there is no console', async () => {
    const { relay } = await startPublicRelay({ console: consoleDirectory(), practice: false });
    expect((await http(relay, '/')).status).toBe(404);
    expect((await http(relay, '/healthz')).status).toBe(200);
  });
});

describe('the relay’s own port', () => {
  test.each(['127.0.0.1', '0.0.0.0'])('cannot be connected to through the relay at %s', async (address) => {
    const relay = await startRelay();
    const client = await RawClient.connect(relay);
    const target = { family: 4, address, port: relay.address.port } as const;
    client.send({ type: 'open', socket: 1, kind: KIND.tcp, family: 4 });
    expect(await client.ask((request) => ({ type: 'connect', request, socket: 1, target }))).toEqual({
      error: 'EACCES',
    });
  });
});

test('closing does not wait for those who have not said anything yet', async () => {
  const relay = await startRelay({ limits: { handshakeSeconds: 60 } });
  const client = await RawClient.dial(relay);
  await relay.close();
  expect(await client.closed).toEqual({ code: 4013, reason: 'going_away' });
});

describe('practice', () => {
  test('servers are listed, echo, and let people chat', async () => {
    const relay = await startRelay({ practice: true });
    const servers = await (await http(relay, '/practice.json')).json();
    expect(servers).toEqual(relay.practice);

    const echo = connect(servers.tcpEcho.port, servers.tcpEcho.host);
    echo.write('echo');
    expect(String((await once(echo, 'data'))[0])).toBe('echo');
    echo.destroy();

    const one = connect(servers.chat.port, servers.chat.host);
    expect(String((await once(one, 'data'))[0])).toContain('welcome, you are guest1');
    const two = connect(servers.chat.port, servers.chat.host);
    await once(two, 'data');
    await once(one, 'data');
    two.write('hello\n');
    expect(String((await once(one, 'data'))[0])).toBe('guest2: hello\n');
    one.destroy();
    two.destroy();

    const client = await RawClient.connect(relay);
    client.send({ type: 'open', socket: 1, kind: KIND.udp, family: 4 });
    const peer = loopback(servers.udpEcho.port);
    await client.ask((request) => ({ type: 'sendto', request, socket: 1, peer, payload: Buffer.from('udp') }));
    expect(Buffer.from((await client.next('datagram')).payload).toString()).toBe('udp');
  });

  test('are not there unless asked for', async () => {
    expect((await http(await startRelay(), '/practice.json')).status).toBe(404);
  });
});

describe('draining', () => {
  test('tells the sessions, takes no new ones, and ends when they have gone', async () => {
    const relay = await startRelay({ limits: { drainSeconds: 60 } });
    const peer = await startPeer();
    const client = await RawClient.connect(relay);
    client.send({ type: 'open', socket: 1, kind: KIND.tcp, family: 4 });
    client.send({ type: 'connect', request: client.number(), socket: 1, target: loopback(peer.port) });
    await client.next('connected');
    const far = await peer.connection();
    const drained = relay.drain();
    expect(await client.next('goaway')).toMatchObject({ seconds: 60 });
    expect((await http(relay, '/readyz')).status).toBe(503);
    const late = await RawClient.dial(relay);
    late.send({ type: 'hello', version: 1, ticket: null, leases: 0 });
    expect((await late.next('fault')).code).toBe('going_away');

    // A session that breaks off meanwhile may still come back.
    client.ws.terminate();
    await client.closed;
    const again = await RawClient.resume(relay, client, { ...client.welcome, generation: 2 });
    far.write('still served');
    await again.next('data');
    // Where it went on it is told, too: it may not have heard it before.
    await again.next('goaway');
    again.ws.close(1000);
    await drained;
  });

  test('who was let in before is not refused, and is waited for', async () => {
    const relay = await startRelay({ limits: { drainSeconds: 60 } });
    const early = await RawClient.dial(relay);
    const gone = await RawClient.dial(relay);
    let over = false;
    const drained = relay.drain().then(() => {
      over = true;
    });
    early.send({ type: 'hello', version: 1, ticket: null, leases: 0 });
    await early.next('welcome');
    const { seconds } = await early.next('goaway');
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(60);
    early.ws.close(1000);
    await until(() => relay.stats.sessions === 0);
    expect(over).toBe(false);
    gone.ws.terminate();
    await drained;
  });

  test('is over when the relay closes, whoever is still about to begin', async () => {
    const relay = await startRelay({ limits: { drainSeconds: 60 } });
    const early = await RawClient.dial(relay);
    const drained = relay.drain();
    await relay.close();
    await drained;
    expect((await early.closed).code).toBe(4013);
  });

  test('ends at its deadline', async () => {
    const relay = await startRelay({ limits: { drainSeconds: 0.05 } });
    const client = await RawClient.connect(relay);
    await relay.drain();
    expect(await client.closed).toEqual({ code: 4013, reason: 'going_away' });
  });
});

describe('closing waits for nobody', () => {
  test.each([
    [
      'was refused and does not close its side',
      'GET /elsewhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    ],
    ['has said half of a request', 'GET /healthz HT'],
    ['has said nothing', ''],
    ['has a WebSocket and does not answer', UPGRADE],
  ])('who %s', async (_who, request) => {
    const relay = await startRelay();
    const socket = connect({ port: relay.address.port, host: '127.0.0.1', allowHalfOpen: true });
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(request);
    if (request.includes('Upgrade')) await once(socket, 'data');
    else await http(relay, '/healthz');
    await relay.close();
    // Nobody listens any more, and nobody is connected.
    socket.resume();
    await until(() => socket.readableEnded || socket.closed);
  });
});
