/** The WebSocket transport against a real server, with the `ws` package as the client's class. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import type { Transport } from '../../src/transport/transport.ts';
import { webSocketTransport } from '../../src/transport/websocket.ts';

const servers: { close(): unknown }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function serve(): Promise<{ url: string; accepted: Promise<WebSocket> }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  const accepted = new Promise<WebSocket>((resolve) => server.once('connection', resolve));
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, accepted };
}

/** A transport and what it tells, each event once it has come. */
function opened(url: string, node: string | null = null) {
  const log: string[] = [];
  let told: () => void = () => {};
  const say = (what: string) => {
    log.push(what);
    told();
  };
  const events = {
    opened: () => say('opened'),
    message: (bytes: Uint8Array) => say(`message ${[...bytes]}`),
    closed: (code: number, reason: string) => say(`closed ${code} ${reason}`),
  };
  const transport: Transport = webSocketTransport(url, WebSocket)(events, node);
  const next = async () => {
    if (log.length === 0) {
      await new Promise<void>((resolve) => {
        told = resolve;
      });
    }
    return log.shift();
  };
  return { transport, next, log };
}

describe('a WebSocket', () => {
  test('opens, carries bytes both ways, and closes with a code', async () => {
    const { url, accepted } = await serve();
    const { transport, next } = opened(url);
    expect(await next()).toBe('opened');
    const server = await accepted;
    const heard = new Promise<Buffer>((resolve) => server.once('message', (data: Buffer) => resolve(data)));
    transport.send(new Uint8Array([1, 2, 3]).subarray(1));
    expect([...(await heard)]).toEqual([2, 3]);
    server.send(new Uint8Array([4, 5]));
    expect(await next()).toBe('message 4,5');
    expect(transport.backlog).toBe(0);
    server.close(4007, 'unsupported_version');
    expect(await next()).toBe('closed 4007 unsupported_version');
  });

  test('says nothing after its owner has closed it', async () => {
    const { url, accepted } = await serve();
    const { transport, next, log } = opened(url);
    await next();
    const server = await accepted;
    const closed = new Promise<number>((resolve) => server.once('close', resolve));
    transport.close(1000, '');
    transport.close(4000, 'again');
    expect(await closed).toBe(1000);
    transport.send(new Uint8Array(1));
    expect(log).toEqual([]);
  });

  test('that breaks, or never opens, is closed with 1006', async () => {
    const { url, accepted } = await serve();
    const { next } = opened(url);
    await next();
    (await accepted).terminate();
    expect(await next()).toBe('closed 1006 ');
    const unused = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => unused.once('listening', resolve));
    const { port } = unused.address() as AddressInfo;
    await new Promise((resolve) => unused.close(resolve));
    const refused = opened(`ws://127.0.0.1:${port}/`);
    expect(await refused.next()).toBe('closed 1006 ');
  });

  test('that is given up while it opens closes quietly', async () => {
    const mute = createServer();
    servers.push(mute);
    mute.listen(0, '127.0.0.1');
    await new Promise((resolve) => mute.once('listening', resolve));
    const arrived = new Promise<Socket>((resolve) => mute.once('connection', resolve));
    const { transport, log } = opened(`ws://127.0.0.1:${(mute.address() as AddressInfo).port}/`);
    const socket = await arrived;
    const gone = new Promise((resolve) => socket.once('close', resolve));
    socket.resume();
    socket.on('error', () => {});
    transport.close(1000, '');
    await gone;
    expect(log).toEqual([]);
  });

  test('turns a text message into bytes that are no frame', async () => {
    const { url, accepted } = await serve();
    const { next } = opened(url);
    await next();
    (await accepted).send('text');
    expect(await next()).toBe('message 160');
  });

  test.each([
    ['relay', null, '/relay'],
    ['relay', 'node1', '/relay/node1'],
    ['game/relay/', 'node1', '/game/relay/node1'],
    ['game/relay?room=7&lang=en', 'a_B-9', '/game/relay/a_B-9?room=7&lang=en'],
    ['relay', '../admin?', '/relay/..%2Fadmin%3F'],
    ['', 'node1', '/node1'],
  ])('of %j asks node %j at %j', async (path, node, asked) => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    servers.push(server);
    await once(server, 'listening');
    const asking = once(server, 'connection');
    const { transport } = opened(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/${path}`, node);
    const [, request] = (await asking) as [WebSocket, IncomingMessage];
    expect(request.url).toBe(asked);
    transport.close(1000, '');
  });

  test('cannot be made of what is no URL', () => {
    expect(() => opened('no url')).toThrow(/URL/);
  });
});
