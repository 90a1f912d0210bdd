import { randomBytes } from 'node:crypto';
import { constants } from 'node:os';
import type { Family } from '@luasocket-web/shared/address';
import { describe, expect, test } from 'vitest';
import { loadSystem } from '../../src/os/libc.ts';
import { createSockets } from '../../src/sockets/index.ts';
import { at, deadPort, dial, listening, openTcp, openUdp, pair, refusal, serve, settle, until } from './support.ts';

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

  test('tells a refusal also when it was asked for errors meanwhile', async () => {
    const { socket, log } = openTcp(sockets);
    socket.connect(at(4, await deadPort()));
    expect(socket.getOption('error')).toBe(null);
    await until(() => log.failures.length === 1);
    expect([log.codes, log.names]).toEqual([['ECONNREFUSED'], []]);
    socket.close(false);
  });

  test('cannot be made when the system has no descriptor left', () => {
    const system = loadSystem();
    if (system === null) throw new Error('koffi is needed here');
    const poor = createSockets({ system: { ...system, socket: () => -constants.errno.EMFILE } });
    expect(refusal(() => openTcp(poor))).toBe('EMFILE');
    expect(refusal(() => openUdp(poor))).toBe('EMFILE');
    const { socket } = openTcp(createSockets({ system: { ...system, duplicate: () => -constants.errno.EMFILE } }));
    expect(refusal(() => socket.connect(at(4, 1)))).toBe('EMFILE');
    socket.close(false);
  });

  test('keeps the name of an attempt that failed', async () => {
    const { socket, log } = openTcp(sockets);
    const name = socket.connect(at(4, await deadPort()));
    await until(() => log.failures.length === 1);
    expect(socket.localName()).toEqual(name);
    expect(name.port).toBeGreaterThan(0);
    socket.close(false);
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
});
