import { createSocket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import type { Family } from '@luasocket-web/shared/address';
import { describe, expect, test } from 'vitest';
import { createSockets } from '../../src/sockets/index.ts';
import { ANY, at, descriptors, openUdp, refusal, settle, until } from './support.ts';

const sockets = createSockets();

function bound(family: Family = 4, address?: string) {
  const { socket, log } = openUdp(sockets, family);
  socket.bind(at(family, 0, address));
  return { socket, log, name: socket.localName() };
}

/** A port that had a socket a moment ago. */
function goneName(family: Family = 4) {
  const { socket, name } = bound(family);
  socket.close();
  return name;
}

describe.each<Family>([4, 6])('a UDP socket, IPv%i', (family) => {
  test('binds by its first send, and receives from anyone', async () => {
    const a = openUdp(sockets, family);
    const b = bound(family);
    expect(a.socket.localName()).toEqual(at(family, 0, ANY[family]));
    a.socket.send(Buffer.from('one'), b.name);
    const name = a.socket.localName();
    expect(name.address).toBe(ANY[family]);
    expect(name.port).toBeGreaterThan(0);
    await until(() => b.log.datagrams.length === 1);
    expect(b.log.datagrams).toEqual([{ peer: at(family, name.port), text: 'one', size: 3 }]);
    b.socket.send(Buffer.alloc(0), at(family, name.port));
    await until(() => a.log.datagrams.length === 1);
    expect(a.log.datagrams[0]).toEqual({ peer: b.name, text: '', size: 0 });
    expect(refusal(() => b.socket.bind(at(family, 0)))).toBe('EINVAL');
    a.socket.close();
    b.socket.close();
    b.socket.close();
    expect(refusal(() => b.socket.localName())).toBe('EBADF');
    expect(refusal(() => b.socket.send(Buffer.from('x'), a.log.datagrams[0]?.peer ?? null))).toBe('EBADF');
  });

  test('receives bursts whole and in order, small ones and large ones', async () => {
    const a = bound(family);
    const b = bound(family);
    for (const count of [2, 3, 40, 150]) {
      const before = b.log.datagrams.length;
      const texts = Array.from({ length: count }, (_, i) => `${count}/${i}`);
      for (const text of texts) a.socket.send(Buffer.from(text), b.name);
      await until(() => b.log.datagrams.length === before + count);
      const come = b.log.datagrams.slice(before);
      expect(come.map(({ text }) => text)).toEqual(texts);
      expect(new Set(come.map(({ peer }) => JSON.stringify(peer)))).toEqual(new Set([JSON.stringify(a.name)]));
    }
    for (const { socket } of [a, b]) socket.close();
  });

  test('hears nothing more once it is closed in the middle of a burst', async () => {
    const a = bound(family);
    let heard = 0;
    const failures: unknown[] = [];
    const b = sockets.udp(family, {
      datagram: () => {
        heard++;
        if (heard === 5) b.close();
      },
      error: (failure) => failures.push(failure),
    });
    b.bind(at(family, 0));
    const name = b.localName();
    for (let i = 0; i < 40; i++) a.socket.send(Buffer.from(`${i}`), name);
    await until(() => heard === 5);
    await settle();
    expect(heard).toBe(5);
    expect(failures).toEqual([]);
    a.socket.close();
  });

  test('does not share its port unasked', () => {
    const a = bound(family);
    const b = openUdp(sockets, family);
    expect(refusal(() => b.socket.bind(a.name))).toBe('EADDRINUSE');
    a.socket.close();
    const pairs = [openUdp(sockets, family), openUdp(sockets, family)];
    for (const { socket } of pairs) socket.setOption('reuseaddr', true);
    b.socket.bind(at(family, 0));
    const [first, second] = pairs;
    first?.socket.bind(at(family, 0));
    const name = first?.socket.localName() ?? at(family, 0);
    expect(refusal(() => second?.socket.bind(name))).toBe(null);
    for (const { socket } of [...pairs, b]) socket.close();
  });

  test('connected: hears its peer alone, sends without an address, and can be dissolved', async () => {
    const peer = bound(family);
    const stranger = bound(family);
    const { socket, log } = openUdp(sockets, family);
    socket.connect(peer.name);
    const name = socket.localName();
    expect(name).toMatchObject({ address: at(family, 0).address });
    socket.send(Buffer.from('ping'), null);
    await until(() => peer.log.datagrams.length === 1);
    stranger.socket.send(Buffer.from('stranger'), name);
    peer.socket.send(Buffer.from('pong'), name);
    await until(() => log.datagrams.length === 1);
    expect(log.datagrams[0]).toEqual({ peer: peer.name, text: 'pong', size: 4 });
    socket.connect(stranger.name);
    socket.send(Buffer.from('moved'), null);
    await until(() => stranger.log.datagrams.length === 1);
    socket.connect(null);
    expect(socket.localName()).toEqual(at(family, 0, ANY[family]));
    expect(refusal(() => socket.send(Buffer.from('x'), null))).toBe('EDESTADDRREQ');
    socket.send(Buffer.from('again'), peer.name);
    await until(() => peer.log.datagrams.length === 2);
    peer.socket.send(Buffer.from('heard'), at(family, peer.log.datagrams[1]?.peer.port ?? 0));
    await until(() => log.datagrams.length === 2);
    for (const each of [peer, stranger, { socket }]) each.socket.close();
  });

  test('a chosen address stays when an association is dissolved', () => {
    const peer = bound(family);
    const { socket } = bound(family);
    socket.connect(peer.name);
    socket.connect(null);
    expect(socket.localName().address).toBe(at(family, 0).address);
    socket.close();
    peer.socket.close();
  });

  test('connected: an ICMP refusal is told once, and the socket goes on', async () => {
    const { socket, log } = openUdp(sockets, family);
    socket.connect(goneName(family));
    socket.send(Buffer.from('x'), null);
    await until(() => log.failures.length === 1);
    expect(log.failures[0]?.code).toBe('ECONNREFUSED');
    await settle();
    expect(log.failures.length).toBe(1);
    expect(socket.getOption('error')).toBe(null);
    const peer = bound(family);
    socket.connect(peer.name);
    socket.send(Buffer.from('fine'), null);
    await until(() => peer.log.datagrams.length === 1);
    // Sent before the event loop has turned: the next call gets the refusal, and sends nothing.
    socket.connect(goneName(family));
    socket.send(Buffer.from('x'), null);
    expect(refusal(() => socket.send(Buffer.from('y'), null))).toBe('ECONNREFUSED');
    socket.send(Buffer.from('x'), null);
    expect(socket.getOption('error')).toBe('ECONNREFUSED');
    expect(socket.getOption('error')).toBe(null);
    socket.close();
    peer.socket.close();
  });

  test('unconnected: a refusal is not told', async () => {
    const { socket, log } = openUdp(sockets, family);
    socket.send(Buffer.from('x'), goneName(family));
    await settle();
    expect(log.failures).toEqual([]);
    socket.close();
  });

  test('takes datagrams up to the largest, and says so beyond', async () => {
    const largest = family === 4 ? 65_507 : 65_527;
    const a = bound(family);
    const b = bound(family);
    a.socket.send(Buffer.alloc(largest), b.name);
    await until(() => b.log.datagrams.length === 1);
    expect(b.log.datagrams[0]?.size).toBe(largest);
    expect(refusal(() => a.socket.send(Buffer.alloc(largest + 1), b.name))).toBe('EMSGSIZE');
    expect(refusal(() => a.socket.send(Buffer.from('x'), at(family, 0)))).toBe('EINVAL');
    a.socket.close();
    b.socket.close();
  });
});

describe('a UDP socket', () => {
  test('broadcasts only when it may', async () => {
    const { socket } = openUdp(sockets);
    const listener = bound(4, '0.0.0.0');
    const everyone = at(4, listener.name.port, '127.255.255.255');
    expect(refusal(() => socket.send(Buffer.from('x'), everyone))).toBe('EACCES');
    socket.setOption('broadcast', true);
    socket.send(Buffer.from('all'), everyone);
    await until(() => listener.log.datagrams.length === 1);
    expect(listener.log.datagrams[0]?.text).toBe('all');
    socket.close();
    listener.socket.close();
  });

  test('joins and leaves an IPv4 group on loopback', async () => {
    const member = bound(4, '0.0.0.0');
    const group = { multiaddr: '239.7.7.7', interface: '127.0.0.1' };
    expect(refusal(() => member.socket.setOption('ip-drop-membership', group))).toBe('SETSOCKOPT');
    member.socket.setOption('ip-add-membership', group);
    expect(refusal(() => member.socket.setOption('ip-add-membership', group))).toBe('SETSOCKOPT');
    const { socket } = openUdp(sockets);
    socket.setOption('ip-multicast-if', '127.0.0.1');
    socket.setOption('ip-multicast-ttl', 0);
    const target = at(4, member.name.port, '239.7.7.7');
    socket.send(Buffer.from('group'), target);
    await until(() => member.log.datagrams.length === 1);
    expect(member.log.datagrams[0]).toMatchObject({ text: 'group', peer: { address: '127.0.0.1' } });
    member.socket.setOption('ip-drop-membership', group);
    socket.send(Buffer.from('gone'), target);
    socket.send(Buffer.from('direct'), at(4, member.name.port));
    await until(() => member.log.datagrams.length > 1);
    expect(member.log.datagrams.map(({ text }) => text)).toEqual(['group', 'direct']);
    socket.close();
    member.socket.close();
  });

  test('joins and leaves an IPv6 group by interface index', () => {
    const loopback = networkInterfaces().lo?.length ? 1 : 0;
    const { socket } = openUdp(sockets, 6);
    const group = { multiaddr: 'ff02::7777', interface: loopback };
    socket.setOption('ipv6-add-membership', group);
    expect(refusal(() => socket.setOption('ipv6-add-membership', group))).toBe('SETSOCKOPT');
    socket.setOption('ipv6-drop-membership', group);
    expect(refusal(() => socket.setOption('ipv6-drop-membership', group))).toBe('SETSOCKOPT');
    expect(refusal(() => socket.setOption('ipv6-add-membership', { multiaddr: '::1', interface: loopback }))).toBe(
      'SETSOCKOPT',
    );
    socket.close();
  });

  test('talks with sockets that are not ours', async () => {
    const { socket, log } = openUdp(sockets);
    const other = createSocket('udp4');
    await new Promise<void>((resolve) => other.bind(0, '127.0.0.1', resolve));
    const echoed = new Promise<string>((resolve) => {
      other.on('message', (message, from) => {
        resolve(message.toString());
        other.send('back', from.port, from.address);
      });
    });
    socket.send(Buffer.from('there'), at(4, other.address().port));
    expect(await echoed).toBe('there');
    await until(() => log.datagrams.length === 1);
    expect(log.datagrams[0]?.text).toBe('back');
    other.close();
    socket.close();
  });

  test('nothing is told after a close, and no descriptor stays', async () => {
    await settle();
    const before = descriptors();
    for (let i = 0; i < 20; i++) {
      const a = bound(i % 2 ? 6 : 4);
      const b = openUdp(sockets, i % 2 ? 6 : 4);
      b.socket.connect(a.name);
      b.socket.send(Buffer.from('x'), null);
      a.socket.close();
      b.socket.close();
      await settle();
      expect(a.log.datagrams.length + a.log.failures.length + b.log.failures.length).toBe(0);
    }
    await until(() => descriptors() <= before);
  });
});
