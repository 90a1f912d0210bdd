import { describe, expect, it } from 'vitest';
import { type Endpoint, Failure } from '../../src/core/channel.ts';
import type { ModelDatagrams } from './kernel.ts';
import { connected, session } from './lua.ts';

function pair() {
  const made = session();
  const [receiver] = made.socket.udp();
  const [sender] = made.socket.udp();
  if (receiver === null || sender === null) throw new Error('udp');
  receiver.setsockname('127.0.0.1', 0);
  const port = receiver.getsockname()[1];
  const model = made.context.descriptors.get(sender.getfd())?.socket as ModelDatagrams;
  return { ...made, receiver, sender, port, model };
}

describe('datagrams', () => {
  it('go there and back', () => {
    const { receiver, sender, port } = pair();
    expect(sender.getsockname()).toEqual(['0.0.0.0', '0', 'inet']);
    expect(sender.sendto('hello', '127.0.0.1', port)).toEqual([5]);
    const [data, address, from] = receiver.receivefrom();
    expect([data, address, from]).toEqual(['hello', '127.0.0.1', Number(sender.getsockname()[1])]);
    receiver.sendto('back', '127.0.0.1', from as number);
    expect(sender.receive()).toEqual(['back']);
  });

  it.each([
    [undefined, 'abcdef'],
    [3.9, 'abc'],
    ['2', 'ab'],
    [0, ''],
    [-0.5, ''],
    [-1, 'abcdef'],
    [Number.NaN, 'abcdef'],
    [Number.POSITIVE_INFINITY, ''],
    [2 ** 64, ''],
    [100_000, 'abcdef'],
  ])('of which %s bytes are wanted are cut', (size, expected) => {
    const { receiver, sender, port } = pair();
    sender.sendto('abcdef', '127.0.0.1', port);
    sender.sendto('next', '127.0.0.1', port);
    expect(receiver.receive(size)).toEqual([expected]);
    expect(receiver.receivefrom()[0]).toBe('next');
  });

  it('have at most 8192 bytes here, may be empty, and may be too long', () => {
    const { receiver, sender, port } = pair();
    sender.sendto('x'.repeat(9000), '127.0.0.1', port);
    expect(receiver.receive(9000)[0]).toHaveLength(8192);
    expect(sender.sendto('', '127.0.0.1', port)).toEqual([0]);
    expect(receiver.receive()).toEqual(['']);
    expect(sender.sendto('x'.repeat(65_507), '127.0.0.1', port)).toEqual([65_507]);
    expect(sender.sendto('x'.repeat(65_508), '127.0.0.1', port)).toEqual([null, 'Message too long']);
  });

  it('are waited for', () => {
    const { kernel, receiver } = pair();
    receiver.settimeout(0.5);
    expect(receiver.receive()).toEqual([null, 'timeout']);
    expect(receiver.receivefrom()).toEqual([null, 'timeout']);
    expect(kernel.clock).toBe(1001);
    receiver.settimeout(0);
    const before = kernel.barriers;
    expect(receiver.receive()).toEqual([null, 'timeout']);
    expect(kernel.barriers).toBe(before + 1);
  });

  it('go to literal addresses and numeric ports only', () => {
    const { kernel, sender } = pair();
    expect(sender.sendto('x', 'localhost', 9)).toEqual([null, 'Name or service not known']);
    expect(sender.sendto('x', '::1', 9)).toEqual([null, 'Address family for hostname not supported']);
    kernel.hosts.set('127.0.0.1', new Failure('EAI_SERVICE'));
    expect(sender.sendto('x', '127.0.0.1', -1)).toEqual([null, 'Servname not supported for ai_socktype']);
    expect(sender.sendto('x', '*', 9)).toEqual([1]);
    expect(kernel.lookups).toEqual(['localhost 9 4 numeric', '127.0.0.1 -1 4 numeric']);
  });

  it('can be refused', () => {
    const { receiver, sender, model, port } = pair();
    sender.setpeername('127.0.0.1', port);
    model.pending = new Failure('ECONNREFUSED');
    expect(sender.send('x')).toEqual([null, 'connection refused']);
    expect(sender.send('y')).toEqual([1]);
    expect(receiver.receive()).toEqual(['y']);
  });
});

describe('classes', () => {
  it('follow setpeername', () => {
    const { kernel, sender, port } = pair();
    expect(() => sender.send('x')).toThrow("calling 'send' on bad self (udp{connected} expected, got userdata)");
    expect(() => sender.getpeername()).toThrow("calling 'getpeername' on bad self");
    expect(sender.setpeername('::1', port)).toEqual([null, 'Address family for hostname not supported']);
    expect(sender.class).toBe('udp{unconnected}');
    kernel.hosts.set('here', [{ family: 4, address: '127.0.0.1', port: 0 } satisfies Endpoint]);
    expect(sender.setpeername('here', port)).toEqual([1]);
    expect(sender.class).toBe('udp{connected}');
    expect(sender.getpeername()).toEqual(['127.0.0.1', Number(port), 'inet']);
    expect(() => sender.sendto('x', '127.0.0.1', 9)).toThrow("calling 'sendto' on bad self (udp{unconnected} expected");
    expect(() => sender.receivefrom()).toThrow("calling 'receivefrom' on bad self");
    expect(() => sender.setsockname('*', 0)).toThrow("calling 'setsockname' on bad self");
    expect(() => (sender.setpeername as (address: string) => void)('x')).toThrow(
      "bad argument #2 to 'setpeername' (string expected, got no value)",
    );
    expect(sender.setpeername('*')).toEqual([1]);
    expect(sender.class).toBe('udp{unconnected}');
  });
});

describe('a closed object', () => {
  it('answers as LuaSocket does', () => {
    const { sender, port } = pair();
    sender.close();
    expect(sender.receive()).toEqual(['']);
    expect(sender.receivefrom()).toEqual([null, 'ai_family not supported']);
    expect(sender.sendto('x', '127.0.0.1', port)).toEqual([null, 'refused']);
    expect(sender.setpeername('127.0.0.1', port)).toEqual([null, 'closed']);
    expect(sender.getsockname()).toEqual([null, 'Bad file descriptor']);
    expect(sender.setpeername('*')).toEqual([1]);
    expect(sender.dirty()).toBe(false);
    expect(sender.setsockname('127.0.0.1', 0)).toEqual([1]);
    expect(sender.getfd()).toBe(4);
  });
});

it('on the descriptor of a stream sends to its peer, and receives from nobody', () => {
  const { socket, client, accepted } = connected();
  const [udp] = socket.udp();
  udp?.setfd(client.getfd());
  expect(udp?.sendto('zz', '127.0.0.1', 9)).toEqual([2]);
  expect(accepted.receive(2)).toEqual(['zz', null, null]);
  accepted.send('back');
  expect(udp?.receive()).toEqual(['back']);
  accepted.send('back');
  expect(udp?.receivefrom()).toEqual([null, 'ai_family not supported']);
});
