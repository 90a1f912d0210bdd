/** What is left when there are no system calls: the same contract, as far as Node alone can keep it. */
import { randomBytes } from 'node:crypto';
import type { Family } from '@luasocket-web/shared/address';
import { describe, expect, test } from 'vitest';
import { createSockets } from '../../src/sockets/index.ts';
import {
  ANY,
  at,
  deadPort,
  descriptors,
  dial,
  listening,
  openTcp,
  openUdp,
  pair,
  refusal,
  serve,
  settle,
  until,
} from './support.ts';

const sockets = createSockets({ system: null });

describe.each<Family>([4, 6])('TCP through Node alone, IPv%i', (family) => {
  test('binds, connects, and can do so again after a refusal', async () => {
    const dead = await deadPort(family);
    const { server, name, peers } = await serve(family);
    const { socket, log } = openTcp(sockets, family);
    expect(socket.localName()).toEqual(at(family, 0, ANY[family]));
    socket.bind(at(family, 0));
    const local = socket.localName();
    expect(local.port).toBeGreaterThan(0);
    expect(refusal(() => socket.bind(at(family, 0)))).toBe('EINVAL');
    expect(socket.connect(at(family, dead))).toEqual(local);
    await until(() => log.failures.length === 1);
    expect(log.codes).toEqual(['ECONNREFUSED']);
    socket.connect(name);
    expect(refusal(() => socket.connect(name))).toBe('EALREADY');
    await until(() => log.names.length === 1 && peers.length === 1);
    expect(log.names).toEqual([{ local, peer: name }]);
    expect(refusal(() => socket.connect(name))).toBe('EISCONN');
    socket.close(true);
    await until(() => peers[0]?.error === 'ECONNRESET');
    expect(refusal(() => socket.localName())).toBe('EBADF');
    server.close();
  });

  test('refuses what the system refuses at once', async () => {
    const { server, name } = await serve(family);
    const { socket } = openTcp(sockets, family);
    const foreign = family === 4 ? '203.0.113.77' : '2001:db8::77';
    expect(refusal(() => socket.bind(at(family, 0, foreign)))).toBe('EADDRNOTAVAIL');
    expect(refusal(() => socket.bind(at(family === 4 ? 6 : 4, 0)))).toBe('EAFNOSUPPORT');
    expect(
      refusal(() => {
        socket.bind(name);
        socket.listen(1);
      }),
    ).toBe('EADDRINUSE');
    socket.close(false);
    server.close();
  });

  test('listens, accepts, and carries 8 MiB both ways', async () => {
    const { client, clientLog, accepted, acceptedLog } = await pair(sockets, family);
    const bytes = randomBytes(8 << 20);
    for (const socket of [client, accepted]) {
      socket.write(bytes);
      socket.shutdown('send');
    }
    client.pause();
    await settle();
    client.resume();
    await until(() => clientLog.ends === 1 && acceptedLog.ends === 1);
    expect(Buffer.concat(clientLog.chunks).equals(bytes)).toBe(true);
    expect(Buffer.concat(acceptedLog.chunks).equals(bytes)).toBe(true);
    expect(accepted.localName().port).toBeGreaterThan(0);
    client.close(false);
    accepted.close(false);
  });

  test('UDP sends, receives, connects and refuses', async () => {
    const a = openUdp(sockets, family);
    const b = openUdp(sockets, family);
    b.socket.bind(at(family, 0));
    const name = b.socket.localName();
    expect(refusal(() => b.socket.bind(at(family, 0)))).toBe('EINVAL');
    expect(refusal(() => openUdp(sockets, family).socket.bind(name))).toBe('EADDRINUSE');
    a.socket.send(Buffer.from('one'), name);
    const from = a.socket.localName();
    await until(() => b.log.datagrams.length === 1);
    expect(b.log.datagrams[0]).toEqual({ peer: at(family, from.port), text: 'one', size: 3 });
    a.socket.connect(name);
    a.socket.send(Buffer.from('two'), null);
    await until(() => b.log.datagrams.length === 2);
    a.socket.connect(null);
    expect(refusal(() => a.socket.send(Buffer.from('x'), null))).toBe('EDESTADDRREQ');
    expect(refusal(() => a.socket.send(Buffer.from('x'), at(family, 0)))).toBe('EINVAL');
    expect(refusal(() => a.socket.send(Buffer.alloc(65_530), name))).toBe('EMSGSIZE');
    b.socket.close();
    a.socket.connect(name);
    a.socket.send(Buffer.from('x'), null);
    await until(() => a.log.failures.length === 1);
    expect(a.log.failures[0]?.code).toBe('ECONNREFUSED');
    a.socket.close();
    expect(refusal(() => a.socket.send(Buffer.from('x'), name))).toBe('EBADF');
  });
});

describe('through Node alone', () => {
  test('a full queue resets the surplus', async () => {
    const { socket, log, name } = listening(sockets, 4, 1);
    const peers = [await dial(name), await dial(name)];
    await until(() => log.arrivals.length === 2);
    const surplus = await dial(name);
    await until(() => surplus.closed);
    expect(surplus.error).toBe('ECONNRESET');
    socket.taken();
    peers.push(await dial(name));
    await until(() => log.arrivals.length === 3);
    expect(peers.every((peer) => !peer.closed)).toBe(true);
    for (const { socket: each } of log.arrivals) each.close(true);
    socket.close(false);
  });

  test('options are set where Node can, and otherwise refused, never pretended', async () => {
    const { client } = await pair(sockets);
    client.setOption('tcp-nodelay', true);
    client.setOption('keepalive', true);
    for (const name of ['reuseaddr', 'linger', 'ipv6-v6only']) {
      expect(refusal(() => client.setOption(name, true))).toBe('SETSOCKOPT');
    }
    expect(refusal(() => client.getOption('keepalive'))).toBe('GETSOCKOPT');
    client.close(false);
    const { socket } = openUdp(sockets);
    for (const name of ['reuseport', 'dontroute']) {
      expect(refusal(() => socket.setOption(name, true))).toBe('SETSOCKOPT');
    }
    expect(refusal(() => socket.getOption('ip-multicast-loop'))).toBe('GETSOCKOPT');
    socket.close();
  });

  test('multicast and broadcast on loopback', async () => {
    const member = openUdp(sockets);
    member.socket.bind(at(4, 0, '0.0.0.0'));
    const { port } = member.socket.localName();
    const group = { multiaddr: '239.7.7.9', interface: '127.0.0.1' };
    member.socket.setOption('ip-add-membership', group);
    expect(refusal(() => member.socket.setOption('ip-add-membership', group))).toBe('SETSOCKOPT');
    const { socket } = openUdp(sockets);
    socket.setOption('ip-multicast-if', '127.0.0.1');
    socket.setOption('broadcast', true);
    socket.send(Buffer.from('group'), at(4, port, '239.7.7.9'));
    socket.send(Buffer.from('all'), at(4, port, '127.255.255.255'));
    await until(() => member.log.datagrams.length === 2);
    expect(member.log.datagrams.map(({ text }) => text)).toEqual(['group', 'all']);
    socket.close();
    member.socket.close();
  });

  test('leaves no descriptor behind', async () => {
    await settle();
    const before = descriptors();
    for (let i = 0; i < 10; i++) {
      const { client, accepted } = await pair(sockets);
      client.close(i % 2 === 0);
      accepted.close(false);
      const { socket } = openTcp(sockets);
      socket.bind(at(4, 0));
      socket.close(false);
      const udp = openUdp(sockets);
      udp.socket.bind(at(4, 0));
      udp.socket.close();
    }
    await until(() => descriptors() <= before);
  });
});
