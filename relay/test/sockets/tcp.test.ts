import { randomBytes } from 'node:crypto';
import type { Family } from '@luasocket-web/shared/address';
import { describe, expect, test, vi } from 'vitest';
import { createSockets } from '../../src/sockets/index.ts';
import { at, deadPort, descriptors, dial, listening, openTcp, pair, refusal, serve, settle, until } from './support.ts';

const sockets = createSockets();

describe.each<Family>([4, 6])('a TCP socket, IPv%i', (family) => {
  test('is fresh with the wildcard name, takes a binding, and refuses a second', () => {
    const { socket } = openTcp(sockets, family);
    expect(socket.localName()).toEqual(at(family, 0, family === 4 ? '0.0.0.0' : '::'));
    socket.bind(at(family, 0));
    const name = socket.localName();
    expect(name).toMatchObject({ family, address: at(family, 0).address });
    expect(name.port).toBeGreaterThan(0);
    expect(refusal(() => socket.bind(at(family, 0)))).toBe('EINVAL');
    const other = openTcp(sockets, family).socket;
    other.bind(at(family, 0));
    expect(other.localName().port).not.toBe(name.port);
    socket.close(false);
    other.close(false);
  });

  test('refuses what the system refuses', async () => {
    const { server, name } = await serve(family);
    const { socket } = openTcp(sockets, family);
    expect(refusal(() => socket.bind(name))).toBe('EADDRINUSE');
    const foreign = family === 4 ? '203.0.113.77' : '2001:db8::77';
    expect(refusal(() => socket.bind(at(family, 0, foreign)))).toBe('EADDRNOTAVAIL');
    socket.close(false);
    expect(refusal(() => socket.localName())).toBe('EBADF');
    expect(refusal(() => socket.bind(at(family, 0)))).toBe('EBADF');
    expect(refusal(() => socket.listen(1))).toBe('EBADF');
    expect(refusal(() => socket.connect(name))).toBe('EBADF');
    server.close();
  });

  test('connects, tells both names, and moves bytes both ways', async () => {
    const { server, name, peers } = await serve(family);
    const { socket, log } = openTcp(sockets, family);
    const local = socket.connect(name);
    expect(local.port).toBeGreaterThan(0);
    expect(log.names).toEqual([]);
    expect(refusal(() => socket.connect(name))).toBe('EALREADY');
    await until(() => log.names.length === 1 && peers.length === 1);
    expect(log.names).toEqual([{ local, peer: name }]);
    expect(socket.localName()).toEqual(local);
    expect(refusal(() => socket.connect(name))).toBe('EISCONN');
    socket.write(Buffer.from('hello'));
    await until(() => peers[0]?.text === 'hello');
    await until(() => log.bytesDrained === 5);
    peers[0]?.socket.write('world');
    await until(() => log.text === 'world');
    expect(socket.received).toBe(5);
    socket.close(false);
    await until(() => peers[0]?.ended === true);
    expect(peers[0]?.error).toBe(undefined);
    peers[0]?.socket.destroy();
    server.close();
  });

  test('can connect elsewhere after a refusal, keeping its port and options', async () => {
    const dead = await deadPort(family);
    const { server, name, peers } = await serve(family);
    const { socket, log } = openTcp(sockets, family);
    const port = await deadPort(family);
    socket.setOption('reuseaddr', true);
    socket.setOption('keepalive', true);
    socket.bind(at(family, port));
    for (let attempt = 1; attempt <= 2; attempt++) {
      expect(socket.connect(at(family, dead))).toEqual(at(family, port));
      await until(() => log.failures.length === attempt);
    }
    expect(log.codes).toEqual(['ECONNREFUSED', 'ECONNREFUSED']);
    socket.connect(name);
    await until(() => peers.length === 1 && log.names.length === 1);
    expect(log.names[0]?.local.port).toBe(port);
    expect(peers[0]?.socket.remotePort).toBe(port);
    expect(socket.getOption('keepalive')).toBe(true);
    socket.close(true);
    await until(() => peers[0]?.error === 'ECONNRESET');
    server.close();
  });

  test('listens, accepts paused, and says nothing before it is adopted', async () => {
    const { socket, log, name } = listening(sockets, family);
    const peer = await dial(name);
    peer.socket.write('early');
    await until(() => log.arrivals.length === 1);
    await settle();
    const arrival = log.arrivals[0];
    if (arrival === undefined) throw new Error('not accepted');
    expect(arrival.local).toEqual(name);
    expect(arrival.peer).toEqual(at(family, peer.socket.localPort ?? 0));
    expect(arrival.socket.localName()).toEqual(name);
    const { log: accepted } = openTcp(sockets, family);
    arrival.socket.adopt(accepted);
    await settle();
    expect(accepted.text).toBe('');
    arrival.socket.resume();
    await until(() => accepted.text === 'early');
    arrival.socket.write(Buffer.from('answer'));
    await until(() => peer.text === 'answer');
    expect(refusal(() => arrival.socket.connect(name))).toBe('EISCONN');
    arrival.socket.close(false);
    await until(() => peer.ended);
    peer.socket.destroy();
    socket.close(false);
  });

  test('closes one direction at a time', async () => {
    const { client, clientLog, accepted, acceptedLog } = await pair(sockets, family);
    client.write(Buffer.from('last'));
    client.shutdown('send');
    client.shutdown('send');
    client.write(Buffer.from('never'));
    await until(() => acceptedLog.ends === 1);
    expect(acceptedLog.text).toBe('last');
    accepted.shutdown('receive');
    accepted.write(Buffer.from('still'));
    await until(() => clientLog.text === 'still');
    accepted.shutdown('both');
    await until(() => clientLog.ends === 1);
    await settle();
    // Over in both directions, and still a socket: Node has closed its descriptor, the program has not.
    expect(client.localName().port).toBeGreaterThan(0);
    expect(client.getOption('tcp-nodelay')).toBe(false);
    client.setOption('keepalive', true);
    expect(client.getOption('keepalive')).toBe(true);
    expect([...clientLog.failures, ...acceptedLog.failures]).toEqual([]);
    client.close(false);
    accepted.close(false);
  });

  test('carries 8 MiB both ways at once, exactly, while being paused and resumed', async () => {
    const { client, clientLog, accepted, acceptedLog } = await pair(sockets, family);
    const up = randomBytes(8 << 20);
    const down = randomBytes(8 << 20);
    const write = (socket: typeof client, bytes: Buffer): void => {
      for (let i = 0; i < bytes.length; i += 100_000) socket.write(bytes.subarray(i, i + 100_000));
      socket.shutdown('send');
    };
    accepted.pause();
    write(client, up);
    write(accepted, down);
    let toggles = 0;
    while (acceptedLog.ends === 0 || clientLog.ends === 0) {
      for (const socket of [client, accepted]) {
        if (toggles % 3 === 0) socket.pause();
        else socket.resume();
      }
      toggles++;
      await settle();
    }
    expect(Buffer.concat(acceptedLog.chunks).equals(up)).toBe(true);
    expect(Buffer.concat(clientLog.chunks).equals(down)).toBe(true);
    expect([client.received, accepted.received]).toEqual([8 << 20, 8 << 20]);
    await until(() => clientLog.bytesDrained === 8 << 20 && acceptedLog.bytesDrained === 8 << 20);
    client.close(false);
    accepted.close(false);
  });
});

describe('a TCP socket', () => {
  test('answers an attempt that cannot even begin at once, and can try again', async () => {
    const { server, name } = await serve();
    const { socket, log } = openTcp(sockets);
    expect(refusal(() => socket.connect(at(4, 80, '255.255.255.255')))).toMatch(/ENETUNREACH|EACCES/);
    expect(refusal(() => socket.connect(at(6, 80)))).toMatch(/EINVAL|EAFNOSUPPORT/);
    await settle();
    expect(log.failures).toEqual([]);
    socket.connect(name);
    await until(() => log.names.length === 1);
    socket.close(false);
    server.close();
  });

  test('reads nothing more once it is paused, so that the peer has to wait', async () => {
    const { socket, log, name } = listening(sockets);
    const peer = await dial(name);
    await until(() => log.arrivals.length === 1);
    const accepted = log.arrivals[0]?.socket;
    const { log: sink } = openTcp(sockets);
    accepted?.adopt(sink);
    peer.socket.write(Buffer.alloc(32 << 20));
    await settle();
    expect(sink.chunks).toEqual([]);
    accepted?.resume();
    await until(() => sink.chunks.length > 0);
    accepted?.pause();
    const before = accepted?.received;
    await settle();
    expect(accepted?.received).toBe(before);
    expect(peer.socket.writableLength).toBeGreaterThan(0);
    accepted?.close(false);
    await until(() => peer.error === 'ECONNRESET');
    socket.close(false);
  });

  test('delivers everything written before a close, then ends in good order', async () => {
    const { socket, log, name } = listening(sockets);
    const peer = await dial(name);
    peer.socket.pause();
    await until(() => log.arrivals.length === 1);
    const accepted = log.arrivals[0]?.socket;
    const bytes = randomBytes(16 << 20);
    accepted?.write(bytes);
    accepted?.close(false);
    await settle();
    peer.socket.resume();
    await until(() => peer.ended);
    expect(Buffer.concat(peer.chunks).equals(bytes)).toBe(true);
    expect(peer.error).toBe(undefined);
    peer.socket.destroy();
    socket.close(false);
  });

  test('gives up delivering to a peer that does not read, after a minute', async () => {
    const { socket, log, name } = listening(sockets);
    const peer = await dial(name);
    peer.socket.pause();
    await until(() => log.arrivals.length === 1);
    const before = descriptors();
    log.arrivals[0]?.socket.write(Buffer.alloc(16 << 20));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    log.arrivals[0]?.socket.close(false);
    vi.advanceTimersByTime(59_999);
    await settle();
    expect(descriptors()).toBe(before);
    vi.advanceTimersByTime(1);
    vi.useRealTimers();
    await until(() => descriptors() === before - 1);
    peer.socket.resume();
    await until(() => peer.ended || peer.closed);
    expect(peer.size).toBeLessThan(16 << 20);
    peer.socket.destroy();
    socket.close(false);
  });

  test('a close with unread data does not wait for what is still to be written', async () => {
    const { socket, log, name } = listening(sockets);
    const peer = await dial(name);
    peer.socket.pause();
    await until(() => log.arrivals.length === 1);
    const before = descriptors();
    log.arrivals[0]?.socket.write(Buffer.alloc(16 << 20));
    await new Promise<void>((resolve) => peer.socket.write('unread', () => resolve()));
    log.arrivals[0]?.socket.close(false);
    await until(() => descriptors() === before - 1);
    peer.socket.resume();
    await until(() => peer.ended || peer.closed);
    expect(peer.size).toBeLessThan(16 << 20);
    peer.socket.destroy();
    socket.close(false);
  });

  test.each([
    ['reset', (s: ReturnType<typeof openTcp>['socket']) => s.close(true)],
    [
      'linger for no time',
      (s: ReturnType<typeof openTcp>['socket']) => {
        s.setOption('linger', { on: true, timeout: 0 });
        s.close(false);
      },
    ],
  ])('%s: the peer sees a reset', async (_, close) => {
    const { socket, log, name } = listening(sockets);
    const peer = await dial(name);
    await until(() => log.arrivals.length === 1);
    const accepted = log.arrivals[0]?.socket;
    if (accepted) close(accepted);
    await until(() => peer.closed);
    expect(peer.error).toBe('ECONNRESET');
    socket.close(false);
  });

  test('unread data in the kernel makes a close reset', async () => {
    const { socket, log, name } = listening(sockets);
    const peer = await dial(name);
    await until(() => log.arrivals.length === 1);
    await new Promise<void>((resolve) => peer.socket.write('unread', () => resolve()));
    log.arrivals[0]?.socket.close(false);
    await until(() => peer.closed);
    expect(peer.error).toBe('ECONNRESET');
    socket.close(false);
  });

  test('a time to linger does not block the process', async () => {
    const { socket, log, name } = listening(sockets);
    const peer = await dial(name);
    peer.socket.pause();
    await until(() => log.arrivals.length === 1);
    const accepted = log.arrivals[0]?.socket;
    const { log: sink } = openTcp(sockets);
    accepted?.adopt(sink);
    // Longer than this test may take: a close that blocks makes it fail.
    accepted?.setOption('linger', { on: true, timeout: 20 });
    accepted?.write(Buffer.alloc(1 << 20, 7));
    // The kernel has it, the peer does not take it: there is something to linger for.
    await until(() => sink.bytesDrained === 1 << 20);
    accepted?.close(false);
    peer.socket.resume();
    await until(() => peer.ended);
    expect(peer.size).toBe(1 << 20);
    peer.socket.destroy();
    socket.close(false);
  }, 10_000);

  test('a reset by the peer is told once, after the data before it, and leaves a harmless socket', async () => {
    const { client, clientLog, accepted } = await pair(sockets);
    client.pause();
    accepted.write(Buffer.from('before the end'));
    await settle();
    accepted.close(true);
    await settle();
    client.write(Buffer.from('into nothing'));
    await settle();
    expect(clientLog.failures).toEqual([]);
    client.resume();
    await until(() => clientLog.failures.length === 1);
    expect(clientLog.text).toBe('before the end');
    expect(clientLog.codes[0]).toMatch(/^(ECONNRESET|EPIPE)$/);
    client.write(Buffer.from('x'));
    client.shutdown('both');
    client.pause();
    client.resume();
    await settle();
    expect(clientLog.failures.length).toBe(1);
    expect(clientLog.ends).toBe(0);
    expect(client.localName().port).toBeGreaterThan(0);
    expect(client.getOption('keepalive')).toBe(false);
    client.close(false);
    client.close(true);
  });

  test('a reset right behind data is a failure, not an end', async () => {
    const { client, clientLog, accepted } = await pair(sockets);
    client.pause();
    accepted.write(Buffer.from('data'));
    await settle();
    accepted.close(true);
    client.resume();
    await until(() => clientLog.failures.length + clientLog.ends > 0);
    await settle();
    expect([clientLog.text, clientLog.codes, clientLog.ends]).toEqual(['data', ['ECONNRESET'], 0]);
    client.close(false);
  });

  test('nothing is told after a close', async () => {
    const { client, clientLog, accepted } = await pair(sockets);
    client.close(false);
    accepted.write(Buffer.from('late'));
    await settle();
    expect([clientLog.chunks, clientLog.failures, clientLog.ends]).toEqual([[], [], 0]);
    accepted.close(false);
  });

  test('an attempt that is closed says nothing', async () => {
    const { socket, log } = openTcp(sockets);
    socket.connect(at(4, await deadPort()));
    socket.close(false);
    await settle();
    expect(log.failures).toEqual([]);
  });

  test('leaves no descriptor behind', async () => {
    await settle();
    const before = descriptors();
    for (let i = 0; i < 20; i++) {
      const { client, accepted, acceptedLog } = await pair(sockets, i % 2 ? 6 : 4);
      client.write(Buffer.from('x'));
      if (i % 3 === 0) {
        client.shutdown('send');
        accepted.shutdown('send');
        await until(() => acceptedLog.ends === 1);
        await settle();
      }
      client.close(i % 5 === 0);
      accepted.close(false);
      const { socket, log } = openTcp(sockets);
      socket.connect(at(4, await deadPort()));
      if (i % 2) await until(() => log.failures.length === 1);
      socket.close(false);
      openTcp(sockets).socket.close(true);
      const bad = openTcp(sockets).socket;
      expect(refusal(() => bad.connect(at(4, 80, '255.255.255.255')))).not.toBe(null);
      bad.close(false);
      listening(sockets).socket.close(false);
    }
    await until(() => descriptors() <= before);
  });
});
