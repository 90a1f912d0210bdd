/** The library's functions that are not about one kind of socket: exceptions, chunks, names, time. */
import { describe, expect, it } from 'vitest';
import { LuaSocketError } from '../../src/core/except.ts';
import { connected, session } from './lua.ts';

describe('try', () => {
  it('passes a success on, as its values or as the tuple', () => {
    const { socket } = session();
    expect(socket.try(1, 2, 3)).toEqual([1, 2, 3]);
    expect(socket.try([1, 2, 3])).toEqual([1, 2, 3]);
    expect(socket.try(0, '')).toEqual([0, '']);
    expect(socket.try(['', undefined])).toEqual(['', null]);
    expect(socket.try(['list'], 'second')).toEqual([['list'], 'second']);
  });

  it.each([
    [[null, 'boom', 'more'], 'boom'],
    [[false, 'boom'], 'boom'],
    [[[null, 'boom']], 'boom'],
    [[null], null],
    [[], null],
    [[undefined, { code: 5 }], { code: 5 }],
  ])('throws the second of %j', (results, value) => {
    const { socket } = session();
    try {
      socket.try(...results);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(LuaSocketError);
      expect((error as LuaSocketError).value).toEqual(value);
    }
  });

  it('runs its finalizer first, whatever that does', () => {
    const { socket } = session();
    const log: string[] = [];
    const logging = socket.newtry(() => log.push('finalizer'));
    expect(logging(1)).toEqual([1]);
    expect(log).toEqual([]);
    expect(() => logging(null, 'failed')).toThrow('failed');
    expect(log).toEqual(['finalizer']);
    const broken = socket.newtry(() => {
      throw new Error('finalizer broke');
    });
    expect(() => broken(null, 'failed')).toThrow('failed');
    expect(() => socket.newtry(5)(null, 'failed')).toThrow('failed');
  });
});

describe('protect', () => {
  it('turns what a try throws into a failure', () => {
    const { socket } = session();
    const f = socket.protect((...results: unknown[]) => socket.try(...results));
    expect(f(1, 2)).toEqual([1, 2]);
    expect(f(null, 'boom')).toEqual([null, 'boom']);
    expect(f(null)).toEqual([null, null]);
    expect(f(null, false)).toEqual([null, false]);
  });

  it('unwraps any table, and nothing else', () => {
    const { socket } = session();
    const throwing = (value: unknown) =>
      socket.protect(() => {
        throw value;
      });
    expect(throwing(['in a table'])()).toEqual([null, 'in a table']);
    expect(throwing({ 1: 'in an object' })()).toEqual([null, 'in an object']);
    expect(throwing({})()).toEqual([null, null]);
    expect(throwing('a string')).toThrow('a string');
    expect(throwing(new TypeError('a mistake'))).toThrow(TypeError);
    expect(socket.protect(() => socket.bind('127.0.0.1', true as never))).toThrow(
      "bad argument #2 to 'bind' (string expected, got boolean)",
    );
  });

  it('takes functions that return one value, or none', () => {
    const { socket } = session();
    expect(socket.protect(() => 5)()).toEqual([5]);
    expect(socket.protect(() => undefined)()).toEqual([]);
    expect(socket.protect(5 as never)).toThrow('attempt to call a number value');
  });
});

describe('sources and sinks', () => {
  it('carry chunks', () => {
    const { socket, client, accepted } = connected();
    const sink = socket.sink('close-when-done', client);
    const byLength = socket.source('by-length', accepted, 5);
    const rest = socket.source(accepted);
    expect(sink.getfd()).toBe(client.getfd());
    expect(sink('abc')).toEqual([3, null, null]);
    expect(sink('defgh')).toEqual([5, null, null]);
    expect(byLength()).toEqual(['abcde']);
    expect(byLength()).toEqual([null]);
    expect(byLength.dirty()).toBe(true);
    expect(sink(null)).toEqual([1]);
    expect(sink('late')).toEqual([null, 'closed', 0]);
    expect(rest()).toEqual(['fgh']);
    expect(rest()).toEqual([null]);
    expect(accepted.getfd()).toBe(-1);
    expect(socket.source('by-length', accepted, 1)()).toEqual([null, 'closed']);
    expect(socket.sink(client)(null)).toEqual([1]);
  });

  it('count bytes, not characters', () => {
    const { socket, client, accepted } = connected('utf8');
    client.send('äöü!');
    const source = socket.source('by-length', accepted, 6);
    expect(source()).toEqual(['äöü']);
    expect(source()).toEqual([null]);
  });

  it('are ready for select', () => {
    const { socket, client } = connected();
    const sink = socket.sink(client);
    expect([...socket.select(null, [sink], 0)[1]]).toEqual([sink]);
  });

  it('have no other names', () => {
    const { socket, client } = connected();
    expect(() => socket.sink('bogus' as 'keep-open', client)).toThrow('unknown key (bogus)');
    expect(() => socket.sink('toString' as 'keep-open', client)).toThrow('unknown key (toString)');
  });
});

describe('choose', () => {
  it('calls by name, or the default', () => {
    const { socket } = session();
    const f = socket.choose({ default: (a: unknown, b: unknown) => ['d', a, b], one: (a: unknown) => ['one', a] });
    expect(f('one', 1)).toEqual(['one', 1]);
    expect(f(1, 2)).toEqual(['d', 1, 2]);
    expect(f(null, 2)).toEqual(['d', null, 2]);
  });
});

describe('skip', () => {
  it.each([
    [
      [0, 'a', 'b'],
      ['a', 'b'],
    ],
    [
      [1, 'a', 'b', 'c'],
      ['b', 'c'],
    ],
    [
      [2, 'a', null, 'c', null],
      ['c', null],
    ],
    [[3, 'a'], []],
    [[1e6, 'a'], []],
    [
      [-1, 'a', 'b'],
      [-1, 'a', 'b'],
    ],
    [[1.9, 'a', 'b'], ['b']],
    [['1', 'a', undefined], [null]],
  ])('of %j is %j', (args, rest) => {
    const { socket } = session();
    expect(socket.skip(...(args as [number]))).toEqual(rest);
  });

  it('raises without a number', () => {
    const { socket } = session();
    expect(() => (socket.skip as unknown as () => void)()).toThrow(
      "bad argument #1 to 'skip' (number expected, got no value)",
    );
  });
});

describe('time', () => {
  it('is the relay’s, and passes in sleep', () => {
    const { kernel, socket } = session();
    const before = socket.gettime();
    expect(socket.sleep('0.25')).toEqual([]);
    expect(socket.gettime() - before).toBeCloseTo(0.25, 6);
    socket.sleep(-5);
    socket.sleep(Number.NaN);
    expect(kernel.clock).toBe(1000.25);
    expect(() => socket.sleep('x')).toThrow("bad argument #1 to 'sleep' (number expected, got string)");
  });

  it('that passes in sleep is no shorter when the relay’s clock turns out to have been ahead', () => {
    const { kernel, socket } = session();
    let ahead = 0.05;
    kernel.time = () => kernel.clock + ahead;
    kernel.in(0.1, () => {
      ahead = 0;
    });
    const before = socket.gettime();
    socket.sleep(0.25);
    expect(socket.gettime() - before).toBeCloseTo(0.25, 6);
    expect(kernel.clock).toBeCloseTo(1000.3, 6);
  });
});

describe('dns', () => {
  it('answers what the relay’s resolver does', () => {
    const { kernel, socket } = session();
    kernel.hosts.set('both', [
      { family: 6, address: 'fe80::1', port: 0, scope: 2 },
      { family: 4, address: '10.0.0.1', port: 0 },
    ]);
    expect(socket.dns.getaddrinfo('both')).toEqual([
      [
        { family: 'inet6', addr: 'fe80::1%2' },
        { family: 'inet', addr: '10.0.0.1' },
      ],
    ]);
    expect(socket.dns.getaddrinfo('::1')).toEqual([[{ family: 'inet6', addr: '::1' }]]);
    expect(kernel.lookups).toEqual(['both null 0 names']);
    expect(socket.dns.toip('x')).toEqual(['127.0.0.1', { name: 'x', alias: [], ip: ['127.0.0.1'] }]);
    expect(socket.dns.tohostname('nowhere')).toEqual([null, 'host not found']);
    expect(socket.dns.gethostname()).toEqual(['model']);
    expect(socket.dns.getnameinfo('a')).toEqual([['name of a']]);
    expect(socket.dns.getnameinfo('a', 80)).toEqual([['name of a'], '80']);
    expect(socket.dns.getnameinfo(null, 80)).toEqual([[], '80']);
    expect(() => socket.dns.getnameinfo(null)).toThrow('host and serv cannot be both nil');
    expect(() => (socket.dns.toip as unknown as () => void)()).toThrow(
      "bad argument #1 to 'toip' (string expected, got no value)",
    );
  });
});

it('has the constants of its dialect', () => {
  const { socket } = session();
  expect([socket._VERSION, socket._SETSIZE, socket.BLOCKSIZE]).toEqual(['LuaSocket 3.0-rc1', 1024, 2048]);
});
