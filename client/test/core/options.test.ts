import { describe, expect, it } from 'vitest';
import { aton } from '../../src/core/aton.ts';
import { Failure } from '../../src/core/channel.ts';
import { settledWith } from './kernel.ts';
import { session } from './lua.ts';

/** An object whose options take whatever they are given: names and values are checked before. */
type Loose = { setoption(...args: unknown[]): unknown; getoption(...args: unknown[]): unknown };

function objects() {
  const made = session();
  const [tcp] = made.socket.tcp();
  const [udp] = made.socket.udp();
  const stored = (name: string) => made.context.descriptors.get(udp?.getfd() ?? 0)?.socket.getOption(name);
  return { ...made, tcp: tcp as unknown as Loose, udp: udp as unknown as Loose, stored };
}

describe('values', () => {
  it.each([
    ['ip-multicast-if', '*', '0.0.0.0'],
    ['ip-multicast-if', '127.1', '127.0.0.1'],
    ['ip-multicast-ttl', '7', 7],
    ['ip-multicast-ttl', 7.9, 7],
    ['ip-multicast-ttl', 'x', 0],
    ['ip-multicast-ttl', undefined, 0],
    ['broadcast', true, true],
    ['ip-add-membership', { multiaddr: '239.7.7', interface: '*' }, { multiaddr: '239.7.0.7', interface: '0.0.0.0' }],
    ['ipv6-add-membership', { multiaddr: 'FF02::1' }, { multiaddr: 'ff02::1', interface: 0 }],
    ['ipv6-drop-membership', { multiaddr: 'ff02::1', interface: '2' }, { multiaddr: 'ff02::1', interface: 2 }],
  ])('%s = %j goes to the relay in plain form', (name, value, expected) => {
    const { udp, stored } = objects();
    expect(udp.setoption(name, value)).toEqual([1]);
    expect(stored(name)?.result).toEqual(expected);
  });

  it('of hops for multicast are those for unicast, as in LuaSocket', () => {
    const { udp, stored } = objects();
    expect(udp.setoption('ipv6-multicast-hops', 5)).toEqual([1]);
    expect(stored('ipv6-unicast-hops')?.result).toBe(5);
    expect(udp.getoption('ipv6-multicast-hops')).toEqual([5]);
  });

  it('of linger are cut to 16 bits', () => {
    const { tcp } = objects();
    expect(tcp.setoption('linger', { on: true, timeout: '65543.9' })).toEqual([1]);
    expect(tcp.getoption('linger')).toEqual([{ on: true, timeout: 7 }]);
  });
});

describe('refusals', () => {
  it('have one word, except where the relay itself refuses', () => {
    const { tcp, context } = objects();
    expect(tcp.setoption('ipv6-v6only', true)).toEqual([null, 'setsockopt failed']);
    const stream = context.descriptors.get(3)?.socket;
    if (stream === undefined) throw new Error('no socket');
    for (const [code, words] of [
      ['EPERM', 'setsockopt failed'],
      ['EACCES', 'permission denied'],
      ['CLOSED', 'closed'],
    ] as const) {
      stream.setOption = () => settledWith<void>(new Failure(code));
      expect(tcp.setoption('keepalive', true)).toEqual([null, words]);
    }
    stream.getOption = () => settledWith<boolean>(new Failure('ENOPROTOOPT'));
    expect(tcp.getoption('keepalive')).toEqual([null, 'getsockopt failed']);
  });
});

describe('misuse', () => {
  const unsupported = (method: string, name: string) =>
    `bad argument #1 to '${method}' (unsupported option \`${name}')`;
  it.each([
    ['tcp', 'setoption', ['foo', true], unsupported('setoption', 'foo')],
    ['tcp', 'setoption', ['toString', true], unsupported('setoption', 'toString')],
    ['tcp', 'setoption', ['error', true], unsupported('setoption', 'error')],
    ['tcp', 'setoption', [12, true], unsupported('setoption', '12')],
    ['tcp', 'setoption', ['a'.repeat(36), true], unsupported('setoption', 'a'.repeat(35))],
    ['tcp', 'getoption', ['ipv6-v6only'], unsupported('getoption', 'ipv6-v6only')],
    ['udp', 'getoption', ['broadcast'], unsupported('getoption', 'broadcast')],
    ['udp', 'getoption', ['ip-multicast-ttl'], unsupported('getoption', 'ip-multicast-ttl')],
    ['tcp', 'setoption', [], "bad argument #1 to 'setoption' (string expected, got no value)"],
    ['tcp', 'getoption', [null], "bad argument #1 to 'getoption' (string expected, got nil)"],
    ['tcp', 'setoption', ['keepalive'], "bad argument #2 to 'setoption' (boolean expected, got no value)"],
    ['tcp', 'setoption', ['keepalive', 1], "bad argument #2 to 'setoption' (boolean expected, got number)"],
    ['tcp', 'setoption', ['linger', true], "bad argument #2 to 'setoption' (table expected, got boolean)"],
    ['tcp', 'setoption', ['linger', {}], "bad argument #2 to 'setoption' (boolean 'on' field expected)"],
    ['tcp', 'setoption', ['linger', { on: 1 }], "bad argument #2 to 'setoption' (boolean 'on' field expected)"],
    ['tcp', 'setoption', ['linger', { on: true }], "bad argument #2 to 'setoption' (number 'timeout' field expected)"],
    ['udp', 'setoption', ['ip-multicast-if', 'bogus'], "bad argument #2 to 'setoption' (ip expected)"],
    ['udp', 'setoption', ['ip-add-membership', {}], "(string 'multiaddr' field expected)"],
    ['udp', 'setoption', ['ip-add-membership', { multiaddr: 'x' }], "(invalid 'multiaddr' ip address)"],
    ['udp', 'setoption', ['ip-add-membership', { multiaddr: '239.1' }], "(string 'interface' field expected)"],
    [
      'udp',
      'setoption',
      ['ip-add-membership', { multiaddr: '239.1', interface: 'x' }],
      "(invalid 'interface' ip address)",
    ],
    ['udp', 'setoption', ['ipv6-add-membership', { multiaddr: '1.2.3.4' }], "(invalid 'multiaddr' ip address)"],
    [
      'udp',
      'setoption',
      ['ipv6-add-membership', { multiaddr: 'ff02::1', interface: 'x' }],
      "bad argument #-2 to 'setoption' (number 'interface' field expected)",
    ],
  ] as const)('%s:%s%j raises', (kind, method, args, message) => {
    const made = objects();
    expect(() => made[kind][method](...args)).toThrow(message);
  });
});

describe('aton', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['127.1', '127.0.0.1'],
    ['1', '0.0.0.1'],
    ['0x7f.1', '127.0.0.1'],
    ['010.0.0.1', '8.0.0.1'],
    ['1.2.258', '1.2.1.2'],
    ['4294967295', '255.255.255.255'],
    ['1.2.3.4 rest', '1.2.3.4'],
    ['0', '0.0.0.0'],
  ])('reads %j as %s', (text, address) => {
    expect(aton(text)).toBe(address);
  });

  it.each(['', 'x', '1.2.3.4.5', '256.1.1.1', '1.2.3.256', '4294967296', '1..2', '08', '0x', '1.2.3.4x', '::1'])(
    'refuses %j',
    (text) => {
      expect(aton(text)).toBeNull();
    },
  );
});
