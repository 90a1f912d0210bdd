/** The system calls of Emscripten programs: their memory and numbers, over a kernel in memory. */
import { beforeEach, describe, expect, test } from 'vitest';
import { Failure } from '../../src/core/channel.ts';
import { Kernel } from '../core/kernel.ts';
import { CProgram, THEIRS } from './program.ts';

const LOOPBACK = [127, 0, 0, 1];
const EAGAIN = -6;
const EINPROGRESS = -26;
const ECONNREFUSED = 14;

let kernel: Kernel;
let c: CProgram;

beforeEach(() => {
  kernel = new Kernel();
  c = new CProgram(kernel);
});

/** A listening socket on a port, and a client that has connected. */
function pair(port: number): { server: number; client: number; accepted: number } {
  const server = c.call('__syscall_socket', 2, 1, 0);
  expect(c.call('__syscall_bind', server, c.address(LOOPBACK, port), 16)).toBe(0);
  expect(c.call('__syscall_listen', server, 5)).toBe(0);
  const client = c.call('__syscall_socket', 2, 1, 0);
  expect(c.call('__syscall_connect', client, c.address(LOOPBACK, port), 16)).toBe(EINPROGRESS);
  kernel.runDue();
  const accepted = c.call('__syscall_accept4', server, 0, 0, 0);
  expect(accepted).toBeGreaterThanOrEqual(600);
  return { server, client, accepted };
}

describe('newer releases: one import for each call', () => {
  test('a server and its client', () => {
    const { server, client, accepted } = pair(7000);
    expect(c.call('__syscall_accept4', server, 0, 0, 0)).toBe(EAGAIN);
    const name = c.allocate(28);
    const size = c.words(28);
    expect(c.call('__syscall_getpeername', client, name, size)).toBe(0);
    expect([c.port(name), c.int(size)]).toEqual([7000, 16]);

    const hello = c.text('hello world');
    expect(c.call('__syscall_sendto', client, hello, 11, 0, 0, 0)).toBe(11);
    const buffer = c.allocate(64);
    expect(c.call('__syscall_recvfrom', accepted, buffer, 5, 2, 0, 0)).toBe(5);
    expect(c.bytes(buffer, 5)).toBe('hello');
    expect(c.call('__syscall_recvfrom', accepted, buffer, 64, 0, 0, 0)).toBe(11);
    expect(c.bytes(buffer, 11)).toBe('hello world');
    expect(c.call('__syscall_recvfrom', accepted, buffer, 64, 0, 0, 0)).toBe(EAGAIN);

    expect(c.call('__syscall_shutdown', client, 1)).toBe(0);
    expect(c.call('__syscall_recvfrom', accepted, buffer, 64, 0, 0, 0)).toBe(0);
    expect(c.call('fd_close', client)).toBe(0);
    expect(c.call('__syscall_sendto', client, hello, 1, 0, 0, 0)).toBe(-8);
    expect(c.passed).toEqual([]);
  });

  test('read and write work on sockets, in pieces', () => {
    const { client, accepted } = pair(7001);
    const vectors = c.words(c.text('first '), 6, c.text('second'), 6);
    const count = c.words(0);
    expect(c.call('fd_write', client, vectors, 2, count)).toBe(0);
    expect(c.int(count)).toBe(12);
    const queued = c.words(0);
    expect(c.call('__syscall_ioctl', accepted, 0x541b, c.words(queued))).toBe(0);
    expect(c.int(queued)).toBe(12);
    const one = c.allocate(8);
    const two = c.allocate(16);
    expect(c.call('fd_read', accepted, c.words(one, 8, two, 16), 2, count)).toBe(0);
    expect([c.bytes(one, 8), c.bytes(two, 4)]).toEqual(['first se', 'cond']);
    expect(c.call('fd_read', accepted, c.words(one, 8), 1, count)).toBe(6);
  });

  test('a growing memory is followed', () => {
    const { client, accepted } = pair(7002);
    c.memory.grow(1);
    expect(c.call('__syscall_sendto', client, c.text('grown'), 5, 0, 0, 0)).toBe(5);
    const buffer = c.allocate(8);
    expect(c.call('__syscall_recvfrom', accepted, buffer, 8, 0, 0, 0)).toBe(5);
    expect(c.bytes(buffer, 5)).toBe('grown');
  });
});

describe('older releases: socketcall', () => {
  test('what is no socket of ours is handed on', () => {
    expect(c.socketcall(2, 5, 0, 16)).toBe(THEIRS);
    expect(c.call('__sys_fcntl64', 5, 3, 0)).toBe(THEIRS);
    expect(c.call('fd_close', 5)).toBe(THEIRS);
    expect(c.call('__sys__newselect', 6, c.set(5), 0, 0, 0)).toBe(THEIRS);
    expect(c.passed).toEqual(['__sys_socketcall', '__sys_fcntl64', 'fd_close', '__sys__newselect']);
  });

  test('O_NONBLOCK is remembered', () => {
    const socket = c.socketcall(1, 2, 1, 0);
    expect(c.call('__sys_fcntl64', socket, 3, 0)).toBe(2);
    expect(c.call('__sys_fcntl64', socket, 4, c.words(0x800))).toBe(0);
    expect(c.call('__sys_fcntl64', socket, 3, 0)).toBe(0x802);
  });

  test('options, by their numbers', () => {
    const socket = c.socketcall(1, 2, 1, 0);
    expect(c.socketcall(14, socket, 6, 1, c.words(1), 4)).toBe(0);
    expect(c.socketcall(14, socket, 1, 13, c.words(1, 5), 8)).toBe(0);
    const value = c.words(0, 0);
    const size = c.words(8);
    expect(c.socketcall(15, socket, 6, 1, value, size)).toBe(0);
    expect([c.int(value), c.int(size)]).toEqual([1, 4]);
    expect(c.socketcall(15, socket, 1, 13, value, size)).toBe(0);
    expect([c.int(value), c.int(value + 4), c.int(size)]).toEqual([1, 5, 8]);
    expect(c.socketcall(14, socket, 1, 8, c.words(65536), 4)).toBe(0);
    expect(c.socketcall(14, socket, 6, 99, c.words(1), 4)).toBe(-50);
  });

  test('select and poll tell what is ready', () => {
    const { server, client, accepted } = pair(7003);
    c.call('__sys_write', client, c.text('x'), 1);
    const readable = c.set(server, accepted, client);
    const writable = c.set(client);
    expect(c.call('__sys__newselect', 1024, readable, writable, 0, c.words(0, 0))).toBe(2);
    expect([server, accepted, client].map((socket) => c.has(readable, socket))).toEqual([false, true, false]);
    expect(c.has(writable, client)).toBe(true);

    const entries = c.words(accepted, 0x0005, server, 0x0001);
    expect(c.call('__sys_poll', entries, 2, 0)).toBe(1);
    expect([c.int(entries + 4) >>> 16, c.int(entries + 12) >>> 16]).toEqual([5, 0]);
  });

  test('who waits for a connection alone is told that it stands; what it sends leaves when it does', () => {
    const server = c.socketcall(1, 2, 1, 0);
    c.socketcall(2, server, c.address(LOOPBACK, 7004), 16);
    c.socketcall(4, server, 5);
    const client = c.socketcall(1, 2, 1, 0);
    expect(c.socketcall(3, client, c.address(LOOPBACK, 7004), 16)).toBe(EINPROGRESS);
    const [readable, writable] = [c.set(client), c.set(client)];
    expect(c.call('__sys__newselect', client + 1, readable, writable, 0, 0)).toBe(1);
    expect([c.has(readable, client), c.has(writable, client)]).toEqual([false, true]);
    expect(c.socketcall(11, client, c.text('early'), 5, 0, 0, 0)).toBe(5);
    expect(c.call('fd_close', client)).toBe(0);
    kernel.runDue();
    const accepted = c.socketcall(5, server, 0, 0);
    const buffer = c.allocate(8);
    expect(c.socketcall(12, accepted, buffer, 8, 0, 0, 0)).toBe(5);
    expect(c.bytes(buffer, 5)).toBe('early');
    expect(c.socketcall(12, accepted, buffer, 8, 0, 0, 0)).toBe(0);
  });

  test('who looks at a connection without waiting is told the truth', () => {
    const client = c.socketcall(1, 2, 1, 0);
    expect(c.socketcall(3, client, c.address(LOOPBACK, 7005), 16)).toBe(EINPROGRESS);
    const writable = c.set(client);
    expect(c.call('__sys__newselect', client + 1, 0, writable, 0, c.words(0, 0))).toBe(0);
    kernel.runDue();
    expect(c.call('__sys__newselect', client + 1, 0, c.set(client), 0, c.words(0, 0))).toBe(1);
    const value = c.words(0);
    expect(c.socketcall(15, client, 1, 4, value, c.words(4))).toBe(0);
    expect(c.int(value)).toBe(ECONNREFUSED);
  });
});

describe('names', () => {
  test('getaddrinfo answers a list', () => {
    kernel.hosts.set('two.example', [
      { family: 4, address: '192.0.2.1', port: 0 },
      { family: 6, address: '2001:db8::1', port: 0 },
    ]);
    const out = c.words(0);
    expect(c.call('getaddrinfo', c.text('two.example'), c.text('80'), c.words(0, 0, 1, 0), out)).toBe(0);
    const first = c.int(out);
    const second = c.int(first + 28);
    expect([c.int(first + 4), c.int(second + 4), c.int(second + 28)]).toEqual([2, 10, 0]);
    expect(c.port(c.int(first + 20))).toBe(80);
    expect(c.call('getaddrinfo', c.text('nowhere'), 0, 0, out)).toBe(-2);
  });

  test('a name whose answer is not there yet is stood in for', () => {
    const waiting = { settled: false, result: new Failure('EAI_AGAIN'), subscribe: () => () => undefined };
    kernel.lookup = () => waiting;
    const out = c.words(0);
    expect(c.call('getaddrinfo', c.text('slow.example'), c.text('80'), c.words(0, 2, 1, 0), out)).toBe(0);
    const octets = new Uint8Array(c.memory.buffer, c.int(c.int(out) + 20) + 4, 4);
    expect([...octets.subarray(0, 2)]).toEqual([198, 18]);
  });

  test('getnameinfo has room for five digits, and says when there is none', () => {
    const host = c.allocate(16);
    const service = c.allocate(6);
    const at = c.address(LOOPBACK, 54321);
    expect(c.call('getnameinfo', at, 16, host, 16, service, 6, 3)).toBe(0);
    expect([c.bytes(host, 10), c.bytes(service, 6)]).toEqual(['127.0.0.1\0', '54321\0']);
    expect(c.call('getnameinfo', at, 16, host, 16, service, 5, 3)).toBe(-12);
  });

  test('gethostbyname lays out an entry', () => {
    const entry = c.call('gethostbyname', c.text('localhost'));
    expect(c.bytes(c.int(entry), 10)).toBe('localhost\0');
    expect([c.int(entry + 8), c.int(entry + 12)]).toEqual([2, 4]);
    const octets = new Uint8Array(c.memory.buffer, c.int(c.int(entry + 16)), 4);
    expect([...octets]).toEqual(LOOPBACK);
    expect(c.call('gethostbyname', c.text('nowhere'))).toBe(0);
  });
});
