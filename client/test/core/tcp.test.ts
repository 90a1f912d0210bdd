import { describe, expect, it } from 'vitest';
import type { TcpSocket } from '../../src/api.ts';
import { type Endpoint, Failure } from '../../src/core/channel.ts';
import type { ModelStream } from './kernel.ts';
import { connected, session } from './lua.ts';

const at = (address: string): Endpoint => ({ family: address.includes(':') ? 6 : 4, address, port: 0 });

function master() {
  const made = session();
  const [object] = made.socket.tcp();
  if (object === null) throw new Error('tcp');
  const streamOf = (socket: TcpSocket<'sync'>) => made.context.descriptors.get(socket.getfd())?.socket as ModelStream;
  const [server] = made.socket.bind('*', 0);
  if (server === null) throw new Error('bind');
  const port = server.getsockname()[1];
  return { ...made, object, server, port, streamOf };
}

describe('classes', () => {
  it('change in place, and refuse what they do not have', () => {
    const { object, server, port } = master();
    expect([object.class, server.class]).toEqual(['tcp{master}', 'tcp{server}']);
    expect(String(object)).toMatch(/^tcp\{master\}: 0x[0-9a-f]+$/);
    expect(() => object.send('x')).toThrow("calling 'send' on bad self (tcp{client} expected, got userdata)");
    expect(() => server.setsockname('*', 0)).toThrow(
      "calling 'setsockname' on bad self (tcp{master} expected, got userdata)",
    );
    expect(() => object.setpeername('127.0.0.1', undefined as never)).toThrow(
      "bad argument #2 to 'setpeername' (string expected, got nil)",
    );
    expect(object.class).toBe('tcp{master}');
    const before = String(object);
    expect(object.connect('127.0.0.1', port)).toEqual([1]);
    expect(object.class).toBe('tcp{client}');
    expect(String(object)).toBe(before.replace('master', 'client'));
    expect(server.connect('127.0.0.1', port)).toEqual([null, 'already connected']);
    expect(server.class).toBe('tcp{client}');
  });

  it('have the methods of their protocol only', () => {
    const { socket, object } = master();
    const [udp] = socket.udp();
    expect(['accept', 'listen', 'shutdown', 'getstats', 'connect'].filter((name) => name in (udp ?? {}))).toEqual([]);
    expect(['sendto', 'receivefrom', 'gettimeout'].filter((name) => name in object)).toEqual([]);
  });
});

describe('descriptors', () => {
  it('are the lowest free ones, from 3', () => {
    const { socket } = session();
    const [a, b] = [socket.tcp()[0], socket.udp()[0]];
    expect([a?.getfd(), b?.getfd()]).toEqual([3, 4]);
    a?.close();
    expect(a?.getfd()).toBe(-1);
    expect([socket.tcp6()[0]?.getfd(), socket.tcp()[0]?.getfd()]).toEqual([3, 5]);
  });

  it('run out after 1024', () => {
    const { socket } = session();
    for (let i = 0; i < 1024; i++) expect(socket.udp()[0]).not.toBeNull();
    expect(socket.tcp()).toEqual([null, 'Too many open files']);
    expect(socket.udp6()).toEqual([null, 'Too many open files']);
  });

  it('can be pointed elsewhere', () => {
    const { client, accepted, socket } = connected();
    const [own, other] = [client.getfd(), accepted.getfd()];
    expect(client.setfd(other + 0.9)).toEqual([]);
    expect(client.getfd()).toBe(other);
    expect(client.getsockname()).toEqual(accepted.getsockname());
    client.setfd(own);
    accepted.send('x');
    expect(client.receive(1)).toEqual(['x', null, null]);
    client.setfd(99);
    expect(client.send('x')).toEqual([null, 'Bad file descriptor', 0]);
    expect(client.receive()).toEqual([null, 'Bad file descriptor', '']);
    expect(client.getpeername()).toEqual([null, 'Bad file descriptor']);
    expect(client.getoption('keepalive')).toEqual([null, 'getsockopt failed']);
    expect(client.setoption('keepalive', true)).toEqual([null, 'setsockopt failed']);
    client.setfd(-1);
    expect(client.receive()).toEqual([null, 'closed', '']);
    client.setfd(1e10);
    expect(client.getfd()).toBe(-2147483648);
    const [udp] = socket.udp();
    client.setfd(udp?.getfd() ?? 0);
    expect(client.send('x')).toEqual([null, 'Destination address required', 0]);
    expect(() => client.setfd('x')).toThrow("bad argument #1 to 'setfd' (number expected, got string)");
  });
});

describe('connect', () => {
  it('answers at once with a zero limit, and once more when it is done', () => {
    const { object, port } = master();
    object.settimeout(0);
    expect(object.connect('127.0.0.1', port)).toEqual([null, 'timeout']);
    // A kernel would know by now; so a barrier finds out.
    expect(object.connect('127.0.0.1', port)).toEqual([1]);
    expect(object.connect('127.0.0.1', port)).toEqual([null, 'already connected']);
    expect(object.getpeername()).toEqual(['127.0.0.1', Number(port), 'inet']);
  });

  it('that goes on is in progress', () => {
    const { kernel, object, server } = master();
    object.settimeout(0.5);
    expect(object.connect('127.0.0.1', 9)).toEqual([null, 'timeout']);
    expect(kernel.clock).toBe(1000.5);
    object.settimeout(0);
    expect(object.connect('127.0.0.1', 9)).toEqual([null, 'Operation already in progress']);
    expect(object.getpeername()).toEqual([null, 'Transport endpoint is not connected']);
    expect(object.send('x')).toEqual([null, 'timeout', 0]);
    expect(object.receive()).toEqual([null, 'timeout', '']);
    expect(object.getoption('error')).toEqual([null]);
    expect(server.getpeername()).toEqual([null, 'Transport endpoint is not connected']);
  });

  it('that was refused tells it once, whoever asks', () => {
    const { object } = master();
    object.settimeout(0);
    object.connect('127.0.0.1', 10);
    expect(object.getoption('error')).toEqual(['connection refused']);
    expect(object.getoption('error')).toEqual([null]);
    expect(object.send('x')).toEqual([null, 'closed', 0]);
  });

  it('looks even when no time is left, if the block limit is not zero', () => {
    const { object, port } = master();
    object.settimeout(0, 't');
    expect(object.connect('127.0.0.1', port)).toEqual([1]);
  });

  it('tries the addresses in turn', () => {
    const { kernel, object, port } = master();
    kernel.hosts.set('many', [at('192.0.2.1'), at('::1'), at('127.0.0.1')]);
    expect(object.connect('many', port)).toEqual([1]);
    expect(object.getpeername()[0]).toBe('127.0.0.1');
    expect(kernel.lookups).toEqual([`many ${port} 4 connect`]);
  });

  it('goes on after a timeout, as rc1 does', () => {
    const { kernel, object } = master();
    kernel.hosts.set('two', [at('127.0.0.1'), at('127.0.0.2')]);
    object.settimeout(0);
    expect(object.connect('two', 9)).toEqual([null, 'Operation already in progress']);
  });

  it.each([
    ['::1', 80, 'Address family for hostname not supported'],
    ['nowhere', 80, 'host or service not provided, or not known'],
    ['192.0.2.1', 80, 'Network is unreachable'],
  ])('to %s port %s fails', (host, port, reason) => {
    const { object } = master();
    expect(object.connect(host, port)).toEqual([null, reason]);
    expect(object.class).toBe('tcp{client}');
  });

  it('on a closed object is closed; bind makes a new socket', () => {
    const { object, port, streamOf } = master();
    object.close();
    expect(object.bind('127.0.0.1', 0)).toEqual([1]);
    expect(object.getfd()).toBe(3);
    expect(streamOf(object).options.size).toBe(0);
    object.close();
    expect(object.connect('127.0.0.1', port)).toEqual([null, 'closed']);
    expect(object.getsockname()).toEqual([null, 'Bad file descriptor']);
  });

  it('cuts names at a NUL, and leaves what is not plain to the relay', () => {
    const { kernel, object } = master();
    object.connect('127.0.0.1\0x', '010');
    object.connect('*', 'http');
    expect(kernel.lookups).toEqual(['127.0.0.1 010 4 connect', 'null http 4 connect']);
  });
});

describe('socket.connect', () => {
  it('makes a socket of the family of the address', () => {
    const { kernel, socket, streamOf } = master();
    const [server6] = socket.bind('::1', 0);
    const port = server6?.getsockname()[1] ?? '';
    kernel.hosts.set('six', [at('::1')]);
    const [client] = socket.connect('six', port);
    expect(client?.getfamily()).toEqual(['inet6']);
    expect(client?.getsockname()[2]).toBe('inet6');
    expect(streamOf(client as TcpSocket<'sync'>).options.get('ipv6-v6only')).toBe(false);
    expect(socket.connect4('::1', port)).toEqual([null, 'Address family for hostname not supported']);
    expect(socket.connect6('::1', port)[0]).not.toBeNull();
  });

  it('binds first where it is told to', () => {
    const { socket, port } = master();
    const [client] = socket.connect('127.0.0.1', port, '127.0.0.3', null, 'inet');
    expect(client?.getsockname()[0]).toBe('127.0.0.3');
    expect(socket.connect('127.0.0.1', port, '203.0.113.77', 0)).toEqual([null, 'Cannot assign requested address']);
    expect(socket.connect('::1', port, '127.0.0.1')).toEqual([null, 'Address family for hostname not supported']);
  });

  it('leaves no descriptor behind when it fails', () => {
    const { socket } = session();
    expect(socket.connect('127.0.0.1', 10)).toEqual([null, 'connection refused']);
    expect(socket.connect('127.0.0.1', 10, '203.0.113.77')).toEqual([null, 'Cannot assign requested address']);
    expect(socket.tcp()[0]?.getfd()).toBe(3);
  });

  it.each([
    [[], "bad argument #1 to 'connect' (string expected, got no value)"],
    [['a'], "bad argument #2 to 'connect' (string expected, got no value)"],
    [['a', 1, true], "bad argument #3 to 'connect' (string expected, got boolean)"],
    [['a', 1, null, null, 'inet7'], "bad argument #5 to 'connect' (invalid option 'inet7')"],
    [['a', 1, null, null, 4], "bad argument #5 to 'connect' (invalid option '4')"],
  ])('raises for %j', (args, message) => {
    const { socket } = session();
    expect(() => socket.connect(...(args as unknown as ['a', 1]))).toThrow(message);
  });

  it('by family counts what is missing as nil', () => {
    const { socket } = session();
    expect(() => (socket.connect4 as unknown as () => void)()).toThrow(
      "bad argument #1 to 'connect' (string expected, got nil)",
    );
  });
});

describe('servers', () => {
  it('accept in order, with limits', () => {
    const { kernel, socket, server, port } = master();
    server.settimeout(0.25);
    expect(server.accept()).toEqual([null, 'timeout']);
    expect(kernel.clock).toBe(1000.25);
    const [first, second] = [socket.connect('127.0.0.1', port)[0], socket.connect('127.0.0.1', port)[0]];
    for (const client of [first, second]) {
      const [accepted] = server.accept();
      expect(accepted?.class).toBe('tcp{client}');
      expect(accepted?.getpeername().slice(0, 2)).toEqual([
        ...(client?.getsockname().slice(0, 1) ?? []),
        Number(client?.getsockname()[1]),
      ]);
    }
    server.settimeout(0);
    expect(server.accept()).toEqual([null, 'timeout']);
    server.close();
    expect(server.accept()).toEqual([null, 'closed']);
  });

  it('need a descriptor that listens', () => {
    const { socket, object, server } = master();
    const [udp] = socket.udp();
    server.setfd(object.getfd());
    expect(server.accept()).toEqual([null, 'Invalid argument']);
    server.setfd(udp?.getfd() ?? 0);
    expect(server.accept()).toEqual([null, 'Operation not supported']);
    object.close();
    expect(object.listen()).toEqual([null, 'Bad file descriptor']);
    expect(object.class).toBe('tcp{master}');
  });

  it('pass over a connection that is gone again', () => {
    const { socket, server, port, streamOf } = master();
    const stream = streamOf(server);
    const accept = stream.accept.bind(stream);
    let gone = true;
    stream.accept = () => {
      const answer = gone ? new Failure('ECONNABORTED') : accept();
      gone = false;
      return answer;
    };
    socket.connect('127.0.0.1', port);
    expect(server.accept()[0]).not.toBeNull();
  });
});

describe('socket.bind', () => {
  it('listens on the first address that will do', () => {
    const { kernel, socket, streamOf } = master();
    kernel.hosts.set('many', [at('203.0.113.77'), at('::1'), at('127.0.0.1')]);
    const [server] = socket.bind('many', 0);
    expect(server?.class).toBe('tcp{server}');
    expect(server?.getsockname()[0]).toBe('::1');
    expect(streamOf(server as TcpSocket<'sync'>).options.get('reuseaddr')).toBe(true);
    expect(socket.bind('203.0.113.77', 0)).toEqual([null, 'Cannot assign requested address']);
    expect(socket.bind('nowhere', 0)).toEqual([null, 'host or service not provided, or not known']);
  });

  it.each([
    [[], "bad argument #1 to 'getaddrinfo' (string expected, got nil)"],
    [['127.0.0.1'], "bad argument #2 to 'bind' (string expected, got nil)"],
    [['127.0.0.1', 0, 'x'], "bad argument #1 to 'listen' (number expected, got string)"],
  ])('raises for %j as socket.lua would, and leaves no descriptor behind', (args, message) => {
    const { socket } = session();
    expect(() => socket.bind(...(args as unknown as ['', 0]))).toThrow(message);
    expect(socket.tcp()[0]?.getfd()).toBe(3);
  });
});

describe('shutdown', () => {
  it('never fails, and raises for other words', () => {
    const { client, accepted } = connected();
    expect(client.shutdown('send')).toEqual([1]);
    expect(client.send('x')).toEqual([null, 'closed', 0]);
    expect(accepted.receive()).toEqual([null, 'closed', '']);
    accepted.close();
    expect(accepted.shutdown()).toEqual([1]);
    expect(() => client.shutdown('write' as 'send')).toThrow("bad argument #1 to 'shutdown' (invalid option 'write')");
  });
});
