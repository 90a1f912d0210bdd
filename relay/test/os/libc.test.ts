import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import { socketConstants } from '../../src/os/constants.ts';
import { loadSystem } from '../../src/os/libc.ts';
import { readSockaddr, SOCKADDR_BYTES, writeSockaddr, writeUnspecified } from '../../src/os/sockaddr.ts';

const loaded = loadSystem();
if (loaded === null) throw new Error('koffi is needed here');
const system = loaded;
const { EBADF, EADDRNOTAVAIL, ENOTCONN, EXDEV } = constants.errno;

describe('system calls', () => {
  test('answer what they have, or a negative errno', () => {
    expect(system.bind(-1, { family: 4, address: '127.0.0.1', port: 0 })).toBe(-EBADF);
    expect(system.localName(-1)).toBe(-EBADF);
    const fd = system.socket('stream', 4);
    expect(fd).toBeGreaterThan(2);
    expect(system.bind(fd, { family: 4, address: '203.0.113.77', port: 0 })).toBe(-EADDRNOTAVAIL);
    expect(system.bind(fd, { family: 4, address: '127.0.0.1', port: 0 })).toBe(0);
    expect(system.localName(fd)).toMatchObject({ family: 4, address: '127.0.0.1' });
    expect(system.peerName(fd)).toBe(-ENOTCONN);
    const copy = system.duplicate(fd);
    expect(system.localName(copy)).toEqual(system.localName(fd));
    expect(system.close(fd)).toBe(0);
    expect(system.localName(fd)).toBe(-EBADF);
    const high = system.duplicate(copy, 200);
    expect(high).toBeGreaterThanOrEqual(200);
    expect(system.close(high)).toBe(0);
    expect(system.close(copy)).toBe(0);
  });

  test('an errno becomes a code of the catalogue, or the system’s words', () => {
    expect(system.outcome(constants.errno.ECONNREFUSED)).toEqual({ code: 'ECONNREFUSED' });
    expect(system.outcome(constants.errno.EWOULDBLOCK)).toEqual({ code: 'EAGAIN' });
    expect(system.outcome(EXDEV).detail).toMatch(/cross-device/i);
  });

  test('a datagram socket sends, peeks and receives', () => {
    const a = system.socket('datagram', 6);
    const b = system.socket('datagram', 6);
    system.bind(b, { family: 6, address: '::1', port: 0 });
    const name = system.localName(b);
    if (typeof name === 'number') throw new Error('no name');
    const into = new Uint8Array(10);
    expect(system.receive(b, into, true)).toBe(-constants.errno.EAGAIN);
    expect(system.send(a, Uint8Array.of(1, 2, 3), name)).toBe(3);
    expect(system.receive(b, into, true)).toBe(3);
    expect(system.receive(b, into, false)).toBe(3);
    expect([...into.subarray(0, 3)]).toEqual([1, 2, 3]);
    expect(system.receive(b, into, false)).toBe(-constants.errno.EAGAIN);
    expect(system.dropAll(b, true)).toBe(0);
    expect(system.send(a, Uint8Array.of(4), name)).toBe(1);
    expect(system.receive(b, into, false)).toBe(-constants.errno.EAGAIN);
    expect(system.dropAll(b, false)).toBe(0);
    expect(system.dropAll(b, false)).toBe(-constants.errno.ENOENT);
    system.close(a);
    system.close(b);
  });

  test('interfaces have names and numbers', () => {
    expect(system.interfaceIndex('lo')).toBe(1);
    expect(system.interfaceName(1)).toBe('lo');
    expect(system.interfaceIndex('no-such-interface')).toBe(0);
    expect(system.interfaceName(0x7fff_ffff)).toBe(null);
  });

  test('IPv4 addresses are read by inet_aton', () => {
    expect(system.ipv4('127.1')).toEqual(Uint8Array.of(127, 0, 0, 1));
    expect(system.ipv4('239.7.7.7')).toEqual(Uint8Array.of(239, 7, 7, 7));
    expect(system.ipv4('bogus')).toBe(null);
  });
});

describe('constants and addresses of a platform', () => {
  test('are known for Linux and macOS', () => {
    expect(socketConstants('linux', 'x64')?.AF_INET6).toBe(10);
    expect(socketConstants('linux', 'mips')).toBe(null);
    expect(socketConstants('darwin', 'arm64')?.AF_INET6).toBe(30);
    expect(socketConstants('win32', 'x64')).toBe(null);
  });

  test.each(['linux', 'darwin'])('a sockaddr of %s comes back as it went', (platform) => {
    const c = socketConstants(platform, 'x64');
    if (c === null) throw new Error('unknown');
    const out = new Uint8Array(SOCKADDR_BYTES).fill(0xff);
    for (const endpoint of [
      { family: 4, address: '192.0.2.1', port: 0x1234 },
      { family: 6, address: '2001:db8::1', port: 443 },
      { family: 6, address: 'fe80::1', port: 65_535, scope: 3 },
    ] as const) {
      expect(writeSockaddr(out, endpoint, c)).toBe(endpoint.family === 4 ? 16 : 28);
      expect(readSockaddr(out, c)).toEqual(endpoint);
    }
    expect(writeUnspecified(out, c)).toBe(16);
    expect(readSockaddr(out, c)).toBe(null);
  });

  test('a sockaddr_in has its port in network order, and a length on BSD', () => {
    const out = new Uint8Array(SOCKADDR_BYTES);
    const endpoint = { family: 4, address: '1.2.3.4', port: 0x0102 } as const;
    const [linux, darwin] = [socketConstants('linux', 'x64'), socketConstants('darwin', 'arm64')];
    if (linux === null || darwin === null) throw new Error('unknown');
    writeSockaddr(out, endpoint, linux);
    expect([...out.subarray(0, 8)]).toEqual([2, 0, 1, 2, 1, 2, 3, 4]);
    writeSockaddr(out, endpoint, darwin);
    expect([...out.subarray(0, 8)]).toEqual([16, 2, 1, 2, 1, 2, 3, 4]);
  });
});
