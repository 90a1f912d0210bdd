/** The client's session in Node, on a real relay, with real servers as peers. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { type Datagram, END, Failure } from '../../client/src/core/channel.ts';
import { openSession } from '../../client/src/session/connect.ts';
import {
  answer,
  connectTo,
  dial,
  local,
  made,
  pattern,
  portOf,
  read,
  readAll,
  sendAll,
  startRelay,
  until,
} from './helpers.ts';

const open = new Set<{ close(): unknown }>();
afterEach(() => {
  for (const one of open) one.close();
  open.clear();
});

async function serve(serveOne: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    // Clients of these tests may vanish as they please.
    socket.on('error', () => {});
    serveOne(socket);
  });
  open.add({
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return portOf(server);
}

async function udpServer(): Promise<{ socket: UdpSocket; port: number }> {
  const socket = createSocket('udp4');
  open.add(socket);
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return { socket, port: socket.address().port };
}

async function session() {
  const relay = await startRelay();
  return connectTo(relay.address.url);
}

/** A session, and a way to end its WebSocket as a browser does whose page is left. */
async function page(url: string) {
  const sockets: WebSocket[] = [];
  class Kept extends WebSocket {
    constructor(address: string) {
      super(address);
      sockets.push(this);
    }
  }
  const client = await openSession(url, { WebSocket: Kept });
  return { client, leave: () => sockets[0]?.close(1001) };
}

const text = (value: Uint8Array | typeof END) => (value === END ? 'END' : new TextDecoder().decode(value));
const bytes = (value: string) => new TextEncoder().encode(value);

describe('TCP', () => {
  test('an echo server, names on both ends, and an orderly end', async () => {
    const client = await session();
    let from = '';
    const port = await serve((socket) => {
      from = `${socket.remoteAddress}:${socket.remotePort}`;
      socket.pipe(socket);
    });
    const stream = await dial(client, port);
    await sendAll(stream, bytes('hello'));
    expect(text(await read(stream))).toBe('hello');
    expect(stream.peerName()).toEqual(local(port));
    const name = await answer(stream.localName());
    expect(`${name.address}:${name.port}`).toBe(from);
    stream.shutdown('send');
    expect(await read(stream)).toBe(END);
    expect(stream.peerName()).toMatchObject({ code: 'ENOTCONN' });
    expect(await answer(stream.localName())).toEqual(name);
  });

  test('a refused connection, told once; then another one on the same socket', async () => {
    const client = await session();
    const port = await serve((socket) => socket.end('welcome'));
    const dead = createServer();
    await new Promise<void>((resolve) => dead.listen(0, '127.0.0.1', resolve));
    const nobody = portOf(dead);
    await new Promise((resolve) => dead.close(resolve));
    const stream = made(client.channel.tcp(4));
    expect(await answer(stream.connect(local(nobody)))).toBe('started');
    await until(stream, () => stream.writable);
    expect(stream.readable).toBe(true);
    expect(stream.connect(local(nobody)).result).toMatchObject({ code: 'ECONNREFUSED' });
    expect(await answer(stream.connect(local(port)))).toBe('started');
    await until(stream, () => stream.writable);
    expect(stream.takeError()).toBeNull();
    expect(text(await read(stream))).toBe('welcome');
  });

  test('8 MiB each way at once, byte for byte', async () => {
    const client = await session();
    const stream = await dial(client, await serve((socket) => socket.pipe(socket)));
    const data = pattern(8 * 1024 * 1024);
    const [got] = await Promise.all([readAll(stream, data.length), sendAll(stream, data)]);
    expect(got.equals(data)).toBe(true);
  });

  test('a program that does not read stops its peer; when it reads, nothing is missing', async () => {
    const client = await session();
    const data = pattern(16 * 1024 * 1024);
    let written = 0;
    const port = await serve((socket) => {
      const push = () => {
        while (written < data.length) {
          const more = data.subarray(written, written + 65_536);
          written += more.length;
          if (!socket.write(more)) {
            socket.once('drain', push);
            return;
          }
        }
        socket.end();
      };
      push();
    });
    const stalled = await dial(client, port);
    // Another stream of the session goes on meanwhile, for long enough that all there is would have come.
    const other = await dial(client, await serve((socket) => socket.pipe(socket)));
    for (let round = 0; round < 200; round++) {
      await sendAll(other, pattern(1000));
      await readAll(other, 1000);
    }
    expect(written).toBeLessThan(data.length);
    const { queued } = client.relay.sockets.find(({ id }) => id === 1) ?? { queued: 0 };
    expect(queued).toBeLessThanOrEqual(1024 * 1024);
    expect((await readAll(stalled)).equals(data)).toBe(true);
  });

  test('a reset: what came before is read, then the error, then the end', async () => {
    const client = await session();
    const port = await serve((socket) => {
      socket.write('last words');
      socket.once('data', () => socket.resetAndDestroy());
    });
    const stream = await dial(client, port);
    await until(stream, () => stream.readable);
    await sendAll(stream, bytes('x'));
    await until(stream, () => stream.peerName() instanceof Failure);
    expect(text(await read(stream))).toBe('last words');
    await expect(read(stream)).rejects.toThrow('ECONNRESET');
    expect(await read(stream)).toBe(END);
  });

  test('hosting: bind, listen, accept, and talk', async () => {
    const client = await session();
    const server = made(client.channel.tcp(4));
    await answer(server.setOption('reuseaddr', true));
    await answer(server.bind(local(0)));
    await answer(server.listen(5));
    const { port } = await answer(server.localName());
    const peer = connect(port, '127.0.0.1');
    open.add({ close: () => peer.destroy() });
    const heard = new Promise<string>((resolve) => peer.once('data', (data) => resolve(data.toString())));
    peer.write('hi');
    await until(server, () => server.readable);
    const accepted = server.accept();
    if (!accepted || accepted instanceof Failure) throw new Error('nothing to accept');
    expect(accepted.peerName()).toEqual(local(peer.localPort ?? 0));
    expect(text(await read(accepted))).toBe('hi');
    await sendAll(accepted, bytes('there'));
    expect(await heard).toBe('there');
    expect(server.accept()).toBeNull();
    server.close();
    accepted.close();
    await new Promise((resolve) => peer.once('close', resolve));
  });

  test('closing a listener resets those who wait', async () => {
    const client = await session();
    const server = made(client.channel.tcp(4));
    await answer(server.bind(local(0)));
    await answer(server.listen(5));
    const { port } = await answer(server.localName());
    const peer = connect(port, '127.0.0.1');
    const ended = new Promise<string>((resolve) => {
      peer.on('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? ''));
      peer.on('end', () => resolve('end'));
    });
    await until(server, () => server.readable);
    server.close();
    expect(await ended).toBe('ECONNRESET');
  });

  test('a name as target before its look-up is answered', async () => {
    const client = await session();
    const port = await serve((socket) => socket.end('found'));
    const lookup = client.channel.lookup('localhost', String(port), 4, 'tcp', 'connect');
    const stream = made(client.channel.tcp(4));
    expect(await answer(stream.connect({ lookup, index: 0 }))).toBe('started');
    expect(text(await readAll(stream))).toBe('found');
  });
});

describe('UDP', () => {
  test('unconnected: there and back', async () => {
    const client = await session();
    const { socket: server, port } = await udpServer();
    server.on('message', (message, { port: from }) => server.send(message, from, '127.0.0.1'));
    const socket = made(client.channel.udp(4));
    for (const payload of ['first', 'second', '']) {
      await answer(socket.send(bytes(payload), local(port)));
      await until(socket, () => socket.readable);
      expect(socket.recv()).toEqual({ payload: bytes(payload), peer: local(port) });
    }
    expect((await answer(socket.localName())).port).toBeGreaterThan(0);
  });

  test('connected to nobody: the refusal is told once', async () => {
    const client = await session();
    const { socket: server, port } = await udpServer();
    open.delete(server);
    await new Promise<void>((resolve) => server.close(resolve));
    const socket = made(client.channel.udp(4));
    await answer(socket.connect(local(port)));
    await answer(socket.send(bytes('x'), null));
    await until(socket, () => socket.readable);
    expect(socket.recv()).toMatchObject({ code: 'ECONNREFUSED' });
    expect(socket.recv()).toBeNull();
  });

  test('connected: only the peer is heard, and those who were before', async () => {
    const client = await session();
    const [peer, stranger] = [await udpServer(), await udpServer()];
    const socket = made(client.channel.udp(4));
    await answer(socket.bind(local(0)));
    const { port } = await answer(socket.localName());
    const say = (from: UdpSocket, what: string) =>
      new Promise<void>((resolve) => from.send(what, port, '127.0.0.1', () => resolve()));
    await say(stranger.socket, 'early');
    await until(socket, () => socket.readable);
    await answer(socket.connect(local(peer.port)));
    expect(socket.peerName()).toEqual(local(peer.port));
    await say(stranger.socket, 'late');
    await say(peer.socket, 'mine');
    expect(text((socket.recv() as Datagram).payload)).toBe('early');
    await until(socket, () => socket.readable);
    expect(text((socket.recv() as Datagram).payload)).toBe('mine');
    await answer(client.channel.barrier());
    expect(socket.recv()).toBeNull();
  });
});

describe('a session', () => {
  test('finds out about names and options', async () => {
    const client = await session();
    const hosts = await answer(client.channel.lookup('127.0.0.1', '80', 0, 'tcp', 'connect'));
    expect(hosts).toEqual([local(80)]);
    expect((await answer(client.channel.hostent('localhost'))).addresses).toContain('127.0.0.1');
    expect(await answer(client.channel.hostname())).not.toBe('');
    const stream = made(client.channel.tcp(4));
    await answer(stream.setOption('keepalive', true));
    expect(await answer(stream.getOption('keepalive'))).toBe(true);
    await answer(stream.setOption('linger', { on: true, timeout: 3 }));
    expect(await answer(stream.getOption('linger'))).toEqual({ on: true, timeout: 3 });
    expect(Math.abs(client.channel.time() - Date.now() / 1000)).toBeLessThan(1);
  });

  test('closing it closes what it holds at the relay', async () => {
    const relay = await startRelay();
    const client = await connectTo(relay.address.url);
    const ended = { port: 0, when: Promise.resolve() };
    ended.port = await serve((socket) => {
      socket.resume();
      ended.when = new Promise((resolve) => socket.once('end', resolve));
    });
    const stream = await dial(client, ended.port);
    await sendAll(stream, bytes('x'));
    await answer(client.channel.barrier());
    client.close();
    await ended.when;
    expect(client.relay.state).toBe('closed');
  });

  test('ends with its page: a browser closes with 1001 then, and nobody could resume', async () => {
    const relay = await startRelay();
    const { client, leave } = await page(relay.address.url);
    let ended = Promise.resolve();
    const stream = await dial(
      client,
      await serve((socket) => {
        socket.resume();
        ended = new Promise((resolve) => socket.once('end', resolve));
      }),
    );
    await sendAll(stream, bytes('x'));
    await answer(client.channel.barrier());
    leave();
    await ended;
    expect(relay.stats.sessions).toBe(0);
    client.close();
  });

  test.each([
    [100, 'end'],
    [4096, 'end'],
    [15_000, 'end'],
    [100_000, 'ECONNRESET'],
  ])('a page that is gone after %d bytes came, of which it has read the first 15,000: %s', async (length, expected) => {
    const relay = await startRelay();
    const { client, leave } = await page(relay.address.url);
    let ended = Promise.resolve('');
    const stream = await dial(
      client,
      await serve((socket) => {
        socket.resume();
        ended = new Promise((resolve) => {
          socket.once('end', () => resolve('end'));
          socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(String(code)));
        });
        socket.write(pattern(length));
      }),
    );
    await until(stream, () => stream.available === length);
    for (let left = Math.min(length, 15_000); left > 0; ) left -= (stream.recv(left) as Uint8Array).length;
    await answer(client.channel.barrier());
    leave();
    expect(await ended).toBe(expected);
    client.close();
  });

  test('says why it cannot begin', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const port = portOf(server);
    await new Promise((resolve) => server.close(resolve));
    const url = `ws://127.0.0.1:${port}/relay`;
    await expect(openSession(url, { WebSocket })).rejects.toThrow(
      `cannot connect to ${url}: the relay cannot be reached`,
    );
    await expect(openSession('no url', { WebSocket })).rejects.toThrow(/cannot connect to no url/);
    const ticket = 5 as unknown as string;
    await expect(openSession(url, { WebSocket, ticket })).rejects.toThrow(
      new TypeError('options.ticket must be a string'),
    );
    const relay = await startRelay({ limits: { sessions: 1 } });
    await connectTo(relay.address.url);
    await expect(openSession(relay.address.url, { WebSocket })).rejects.toThrow(/the relay refused: /);
  });

  test('can be given up by a signal, before and after', async () => {
    const mute = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    open.add(mute);
    await new Promise((resolve) => mute.once('listening', resolve));
    const url = `ws://127.0.0.1:${portOf(mute)}/relay`;
    await expect(openSession(url, { WebSocket, signal: AbortSignal.abort() })).rejects.toThrow(/abort/);
    const early = new AbortController();
    const attempt = openSession(url, { WebSocket, signal: early.signal });
    early.abort(new Error('changed my mind'));
    await expect(attempt).rejects.toThrow('changed my mind');
    const relay = await startRelay();
    const late = new AbortController();
    const client = await openSession(relay.address.url, { WebSocket, signal: late.signal });
    late.abort();
    expect(client.relay.state).toBe('closed');
  });
});
