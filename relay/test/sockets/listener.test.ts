import { connect, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createSockets } from '../../src/sockets/index.ts';
import { at, dial, listening, openTcp, Peer, refusal, serve, settle, TcpLog, until } from './support.ts';

const sockets = createSockets();

/** Attempts that nobody waits for; `connected` is a matter of turns. */
function attempt(port: number): { socket: Socket; connected: () => boolean } {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  return { socket, connected: () => !socket.connecting && !socket.destroyed };
}

describe('a listening socket', () => {
  test('without a binding takes an ephemeral port of the wildcard address', async () => {
    const { socket, log } = openTcp(sockets);
    socket.listen(5);
    expect(socket.localName()).toMatchObject({ address: '0.0.0.0' });
    const peer = await dial(at(4, socket.localName().port));
    await until(() => log.arrivals.length === 1);
    expect(refusal(() => socket.connect(at(4, 1)))).toBe('EISCONN');
    peer.socket.destroy();
    socket.close(false);
  });

  test('refuses a port that another listens on', async () => {
    const { server, name } = await serve();
    const { socket } = openTcp(sockets);
    expect(refusal(() => socket.bind(name))).toBe('EADDRINUSE');
    const reusing = openTcp(sockets).socket;
    const other = openTcp(sockets).socket;
    // Two bindings may share a port by SO_REUSEADDR; only one may listen.
    for (const each of [reusing, other]) each.setOption('reuseaddr', true);
    reusing.bind(at(4, 0));
    other.bind(reusing.localName());
    reusing.listen(1);
    expect(refusal(() => other.listen(1))).toBe('EADDRINUSE');
    for (const each of [socket, reusing, other]) each.close(false);
    server.close();
  });

  test('an established socket cannot listen', async () => {
    const { server, name } = await serve();
    const { socket, log } = openTcp(sockets);
    socket.connect(name);
    await until(() => log.names.length === 1);
    expect(refusal(() => socket.listen(1))).toBe('EINVAL');
    socket.write(Buffer.from('x'));
    await until(() => log.bytesDrained === 1);
    socket.close(true);
    server.close();
  });

  test.each([0, 1, 3])('with backlog %i lets one more wait, and leaves the others to time out', async (backlog) => {
    const { socket, log, name } = listening(sockets, 4, backlog);
    const queued: Peer[] = [];
    for (let i = 0; i <= backlog; i++) queued.push(await dial(name));
    await until(() => log.arrivals.length === backlog + 1);
    const late = attempt(name.port);
    await settle();
    expect(late.connected()).toBe(false);
    expect(log.arrivals.length).toBe(backlog + 1);
    socket.taken();
    // The kernel of the late one tries again by itself, after a second.
    await until(() => late.connected());
    late.socket.write('through');
    await until(() => log.arrivals.length === backlog + 2);
    const sink = new TcpLog();
    const last = log.arrivals.at(-1)?.socket;
    last?.adopt(sink);
    last?.resume();
    await until(() => sink.text === 'through');
    for (const { socket: each } of log.arrivals) each.close(true);
    await until(() => queued.every((peer) => peer.error === 'ECONNRESET'));
    late.socket.destroy();
    socket.close(false);
  });

  test('never tells more than the backlog allows, however many come at once', async () => {
    const { socket, log, name } = listening(sockets, 4, 2);
    const attempts = Array.from({ length: 12 }, () => attempt(name.port));
    await until(() => log.arrivals.length === 3);
    await settle();
    expect([log.arrivals.length, attempts.filter((each) => each.connected()).length]).toEqual([3, 3]);
    socket.taken();
    socket.taken();
    await until(() => log.arrivals.length === 5);
    await settle();
    expect(log.arrivals.length).toBe(5);
    for (const each of attempts) each.socket.destroy();
    for (const { socket: each } of log.arrivals) each.close(true);
    socket.close(false);
  });

  test('a negative backlog is the largest', async () => {
    const { socket, log, name } = listening(sockets, 4, -1);
    const peers = await Promise.all(Array.from({ length: 40 }, () => dial(name)));
    await until(() => log.arrivals.length === 40);
    for (const peer of peers) peer.socket.destroy();
    for (const { socket: each } of log.arrivals) each.close(true);
    socket.close(false);
  });

  test('hands options set on it to connections that come afterwards, not to those queued', async () => {
    const { socket, log, name } = listening(sockets);
    const peers = [await dial(name)];
    socket.setOption('keepalive', true);
    socket.setOption('tcp-nodelay', true);
    socket.setOption('linger', { on: true, timeout: 9 });
    await until(() => log.arrivals.length === 1);
    peers.push(await dial(name));
    await until(() => log.arrivals.length === 2);
    const options = log.arrivals.map(({ socket: each }) => [
      each.getOption('keepalive'),
      each.getOption('tcp-nodelay'),
      each.getOption('linger'),
    ]);
    expect(options).toEqual([
      [false, false, { on: false, timeout: 0 }],
      [true, true, { on: true, timeout: 9 }],
    ]);
    expect(socket.getOption('keepalive')).toBe(true);
    for (const peer of peers) peer.socket.destroy();
    for (const { socket: each } of log.arrivals) each.close(true);
    socket.close(false);
  });

  test('tells a connection that was reset while it waited', async () => {
    const { socket, log, name } = listening(sockets);
    const peer = await dial(name);
    peer.socket.resetAndDestroy();
    await until(() => log.arrivals.length === 1);
    const sink = new TcpLog();
    const accepted = log.arrivals[0]?.socket;
    accepted?.adopt(sink);
    accepted?.resume();
    await until(() => sink.failures.length + sink.ends === 1);
    expect(sink.failures.map(({ code }) => code)).toEqual(['ECONNRESET']);
    expect(accepted?.localName()).toEqual(name);
    accepted?.close(false);
    socket.close(false);
  });

  test('is refused once it is closed; accepted connections live on', async () => {
    const { socket, log, name } = listening(sockets);
    const peer = await dial(name);
    await until(() => log.arrivals.length === 1);
    socket.close(false);
    expect(refusal(() => socket.localName())).toBe('EBADF');
    const late = new Peer(connect(name.port, name.address));
    await until(() => late.closed);
    expect(late.error).toBe('ECONNREFUSED');
    log.arrivals[0]?.socket.write(Buffer.from('alive'));
    await until(() => peer.text === 'alive');
    log.arrivals[0]?.socket.close(false);
    peer.socket.destroy();
  });
});
