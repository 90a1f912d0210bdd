import { describe, expect, test } from 'vitest';
import { loadSystem } from '../../src/os/libc.ts';
import type { System } from '../../src/os/system.ts';
import { createSockets } from '../../src/sockets/index.ts';
import { at, dial, openTcp, openUdp, pair, refusal, until } from './support.ts';

const real = loadSystem();
if (real === null) throw new Error('koffi is needed here');

/** Numbers of Linux' headers, written down a second time so that the table of the relay is not asked about itself. */
const LINUX = {
  reuseaddr: [1, 2],
  dontroute: [1, 5],
  broadcast: [1, 6],
  keepalive: [1, 9],
  reuseport: [1, 15],
  'tcp-nodelay': [6, 1],
  'ip-multicast-ttl': [0, 33],
  'ip-multicast-loop': [0, 34],
  'ipv6-unicast-hops': [41, 16],
  'kernel’s multicast hops': [41, 18],
  'ipv6-multicast-loop': [41, 19],
  'ipv6-v6only': [41, 26],
} as const;

/** Sockets whose descriptors we know, to ask the kernel ourselves. */
const opened: number[] = [];
const watching: System = {
  ...real,
  socket(kind, family) {
    const fd = real.socket(kind, family);
    opened.push(fd);
    return fd;
  },
};
const sockets = createSockets({ system: watching });

function asked(option: keyof typeof LINUX): number {
  const out = new Int32Array(1);
  const [level, number] = LINUX[option];
  const fd = opened.at(-1) ?? -1;
  if (real === null || real.getInt(fd, level, number, out) < 0) return Number.NaN;
  return out[0] ?? Number.NaN;
}

describe('options of TCP sockets', () => {
  test.each(['keepalive', 'reuseaddr', 'tcp-nodelay'] as const)('%s is off at first, on and off again', (name) => {
    const { socket } = openTcp(sockets);
    expect([socket.getOption(name), asked(name)]).toEqual([false, 0]);
    socket.setOption(name, true);
    expect(socket.getOption(name)).toBe(true);
    expect(asked(name)).toBeGreaterThan(0);
    socket.setOption(name, false);
    expect([socket.getOption(name), asked(name)]).toEqual([false, 0]);
    socket.close(false);
  });

  test('stay when a connection is established', async () => {
    const { client, accepted } = await pair(sockets);
    expect([client.getOption('tcp-nodelay'), accepted.getOption('tcp-nodelay')]).toEqual([false, false]);
    for (const socket of [client, accepted]) {
      socket.setOption('tcp-nodelay', true);
      expect(socket.getOption('tcp-nodelay')).toBe(true);
      expect(socket.getOption('error')).toBe(null);
      expect(refusal(() => socket.setOption('ipv6-v6only', true))).toBe('SETSOCKOPT');
      socket.close(false);
    }
  });

  test('linger: both fields, the timeout modulo 65536, the old one kept while off', () => {
    const { socket } = openTcp(sockets);
    expect(socket.getOption('linger')).toEqual({ on: false, timeout: 0 });
    socket.setOption('linger', { on: true, timeout: 7 });
    expect(socket.getOption('linger')).toEqual({ on: true, timeout: 7 });
    socket.setOption('linger', { on: false, timeout: 3 });
    expect(socket.getOption('linger')).toEqual({ on: false, timeout: 7 });
    socket.setOption('linger', { on: true, timeout: 65_536 + 9 });
    expect(socket.getOption('linger')).toEqual({ on: true, timeout: 9 });
    expect(refusal(() => socket.setOption('linger', { on: true }))).toBe('SETSOCKOPT');
    expect(refusal(() => socket.setOption('linger', true))).toBe('SETSOCKOPT');
    socket.close(false);
  });

  test('ipv6-v6only is on from birth; off, an IPv6 socket hears IPv4 too', async () => {
    const { socket, log } = openTcp(sockets, 6);
    expect(asked('ipv6-v6only')).toBe(1);
    socket.setOption('ipv6-v6only', false);
    expect(asked('ipv6-v6only')).toBe(0);
    socket.bind(at(6, 0, '::'));
    expect(refusal(() => socket.setOption('ipv6-v6only', true))).toBe('SETSOCKOPT');
    socket.listen(1);
    const peer = await dial(at(4, socket.localName().port));
    await until(() => log.arrivals.length === 1);
    expect(log.arrivals[0]?.peer).toEqual(at(6, peer.socket.localPort ?? 0, '::ffff:127.0.0.1'));
    log.arrivals[0]?.socket.close(true);
    socket.close(false);
  });

  test('what LuaSocket does not have is refused, and so is everything on a closed socket', () => {
    const { socket } = openTcp(sockets);
    expect(refusal(() => socket.setOption('broadcast', true))).toBe('SETSOCKOPT');
    expect(refusal(() => socket.setOption('toString', true))).toBe('SETSOCKOPT');
    expect(refusal(() => socket.setOption('error', true))).toBe('SETSOCKOPT');
    expect(refusal(() => socket.setOption('keepalive', 1))).toBe('SETSOCKOPT');
    expect(refusal(() => socket.getOption('ipv6-v6only'))).toBe('GETSOCKOPT');
    expect(refusal(() => socket.getOption('broadcast'))).toBe('GETSOCKOPT');
    socket.close(false);
    expect(refusal(() => socket.setOption('keepalive', true))).toBe('SETSOCKOPT');
    expect(refusal(() => socket.getOption('keepalive'))).toBe('GETSOCKOPT');
  });
});

describe('options of UDP sockets', () => {
  test.each(['dontroute', 'broadcast', 'reuseaddr', 'reuseport'] as const)('%s can be set, not read', (name) => {
    const { socket } = openUdp(sockets);
    expect(asked(name)).toBe(0);
    socket.setOption(name, true);
    expect(asked(name)).toBeGreaterThan(0);
    socket.setOption(name, false);
    expect(asked(name)).toBe(0);
    expect(refusal(() => socket.getOption(name))).toBe('GETSOCKOPT');
    socket.close();
  });

  test('the multicast options of IPv4', () => {
    const { socket } = openUdp(sockets);
    expect(socket.getOption('ip-multicast-loop')).toBe(true);
    socket.setOption('ip-multicast-loop', false);
    expect([socket.getOption('ip-multicast-loop'), asked('ip-multicast-loop')]).toEqual([false, 0]);
    expect(socket.getOption('ip-multicast-if')).toBe('0.0.0.0');
    socket.setOption('ip-multicast-if', '127.0.0.1');
    expect(socket.getOption('ip-multicast-if')).toBe('127.0.0.1');
    socket.setOption('ip-multicast-if', '*');
    expect(socket.getOption('ip-multicast-if')).toBe('0.0.0.0');
    expect(refusal(() => socket.setOption('ip-multicast-if', '203.0.113.77'))).toBe('SETSOCKOPT');
    socket.setOption('ip-multicast-ttl', 7);
    expect(asked('ip-multicast-ttl')).toBe(7);
    socket.setOption('ip-multicast-ttl', -1);
    expect(asked('ip-multicast-ttl')).toBe(1);
    for (const value of [256, -2])
      expect(refusal(() => socket.setOption('ip-multicast-ttl', value))).toBe('SETSOCKOPT');
    expect(refusal(() => socket.getOption('ip-multicast-ttl'))).toBe('GETSOCKOPT');
    expect(refusal(() => socket.getOption('ip-add-membership'))).toBe('GETSOCKOPT');
    expect(refusal(() => socket.getOption('ipv6-v6only'))).toBe('GETSOCKOPT');
    expect(refusal(() => socket.setOption('ipv6-v6only', true))).toBe('SETSOCKOPT');
    expect(refusal(() => socket.getOption('ipv6-unicast-hops'))).toBe('GETSOCKOPT');
    socket.close();
  });

  test('the options of IPv6, with LuaSocket’s mistake about multicast hops', () => {
    const { socket } = openUdp(sockets, 6);
    expect(socket.getOption('ipv6-v6only')).toBe(true);
    socket.setOption('ipv6-v6only', false);
    expect([socket.getOption('ipv6-v6only'), asked('ipv6-v6only')]).toEqual([false, 0]);
    expect(socket.getOption('ipv6-unicast-hops')).toBe(64);
    const multicast = asked('kernel’s multicast hops');
    socket.setOption('ipv6-multicast-hops', 9);
    expect([socket.getOption('ipv6-unicast-hops'), socket.getOption('ipv6-multicast-hops')]).toEqual([9, 9]);
    expect(asked('kernel’s multicast hops')).toBe(multicast);
    socket.setOption('ipv6-unicast-hops', 5);
    expect(asked('ipv6-unicast-hops')).toBe(5);
    expect(refusal(() => socket.setOption('ipv6-unicast-hops', 256))).toBe('SETSOCKOPT');
    socket.setOption('ipv6-multicast-loop', false);
    expect([socket.getOption('ipv6-multicast-loop'), asked('ipv6-multicast-loop')]).toEqual([false, 0]);
    // As on Linux, where IPv4's options exist on an IPv6 socket.
    socket.setOption('ip-multicast-loop', false);
    expect(socket.getOption('ip-multicast-loop')).toBe(false);
    socket.close();
  });

  test.each([
    ['ip-add-membership', { multiaddr: '239.7.7.8' }],
    ['ip-add-membership', { multiaddr: 'bogus', interface: '*' }],
    ['ip-add-membership', { multiaddr: '127.0.0.1', interface: '127.0.0.1' }],
    ['ip-add-membership', 'text'],
    ['ip-add-membership', null],
    ['ip-multicast-if', 7],
    ['ip-multicast-ttl', 'x'],
    ['keepalive', true],
    ['linger', { on: true, timeout: 1 }],
  ])('%s %j is refused', (name, value) => {
    const { socket } = openUdp(sockets);
    expect(refusal(() => socket.setOption(name, value))).toBe('SETSOCKOPT');
    socket.close();
    expect(refusal(() => socket.setOption('broadcast', true))).toBe('SETSOCKOPT');
  });
});
