/** LuaSocket for who cannot wait, over the kernel in memory; and the short cut for sockets on which nothing happens. */
import { describe, expect, test } from 'vitest';
import type { RelayStatus, SocketNamespace, TcpSocket, UdpSocket } from '../../src/api.ts';
import type { Context } from '../../src/core/context.ts';
import { Descriptors } from '../../src/core/descriptors.ts';
import * as tcp from '../../src/core/tcp.ts';
import { createNamespace } from '../../src/namespace.ts';
import { stringsOf } from '../../src/strings.ts';
import { PollWaiter } from '../../src/wait/poll.ts';
import { Kernel, type ModelStream } from './kernel.ts';
import { bytes } from './lua.ts';

interface Polling {
  readonly context: Context<string>;
  readonly socket: SocketNamespace<'sync'>;
}

function polling(): Polling {
  const waiter = new PollWaiter();
  const strings = stringsOf<string>('binary');
  const context = { channel: new Kernel(), strings, patience: waiter.patience, descriptors: new Descriptors() };
  return { context, socket: createNamespace(context, waiter, null as unknown as RelayStatus) };
}

function made<T>([value, why]: readonly [T, unknown?, ...unknown[]]): NonNullable<T> {
  if (value === null || value === undefined) throw new Error(`no object was made: ${why}`);
  return value;
}

/** Lets the kernel do what it has begun. */
function settle({ channel }: Context<string>): void {
  (channel as Kernel).runDue();
}

function pair({ socket, context }: Polling) {
  const server = made(socket.bind('127.0.0.1', 0));
  const client = made(socket.connect('127.0.0.1', String(server.getsockname()[1])));
  settle(context);
  const served = made(server.accept());
  const streamOf = (of: TcpSocket<'sync'>) => context.descriptors.get(of.getfd())?.socket as ModelStream;
  return { server, client, served, stream: streamOf(served) };
}

describe('a receive that finds nothing', () => {
  /** What the operation itself answers. */
  const operation = ({ context }: Polling, of: ModelStream, values: readonly unknown[]) => {
    const descriptor = [...Array(20).keys()].find((fd) => context.descriptors.get(fd)?.socket === of) ?? -1;
    const state = {
      class: 'tcp{client}',
      descriptor,
      family: 4,
      buffer: { isEmpty: true },
      timeout: { markStart() {} },
    };
    return new PollWaiter().run(tcp.receive(context, state as never, values));
  };

  test.each([[], ['*l'], ['*a'], [10], [null], ['*l', null]])(
    'receive(%j, %j) answers as the operation does',
    (...values) => {
      const all = polling();
      const { served, stream } = pair(all);
      const given = values.filter((value) => value !== undefined);
      const answer = (served.receive as (...given: unknown[]) => unknown)(...given);
      expect(answer).toEqual([null, 'timeout', '']);
      expect(answer).toEqual(operation(all, stream, given));
    },
  );

  test('takes nothing of what there is, and leaves no word out', () => {
    const all = polling();
    const { served, client, stream } = pair(all);
    expect(served.receive('*l', 'before')).toEqual([null, 'timeout', 'before']);
    expect(served.receive(0)).toEqual([null, 'timeout', '']);
    expect(() => served.receive('*x')).toThrow(RangeError);
    expect(() => served.receive(-1)).toThrow(RangeError);
    expect(() => (served.receive as (value: unknown) => unknown)({})).toThrow(TypeError);
    stream.receive(bytes('a'));
    expect(served.receive()).toEqual([null, 'timeout', 'a']);
    client.close();
    expect(served.receive()).toEqual([null, 'closed', '']);
    served.close();
    expect(served.receive()).toEqual([null, 'closed', '']);
    expect(() => (made(all.socket.tcp()) as TcpSocket<'sync'>).receive()).toThrow(TypeError);
  });

  test('of a datagram likewise', () => {
    const { socket, context } = polling();
    const datagrams: UdpSocket<'sync'> = made(socket.udp());
    expect(datagrams.receive()).toEqual([null, 'timeout']);
    expect(datagrams.receivefrom()).toEqual([null, 'timeout']);
    datagrams.setpeername('127.0.0.1', 7);
    expect(datagrams.receive()).toEqual([null, 'timeout']);
    expect(() => datagrams.receivefrom()).toThrow(TypeError);
    datagrams.setpeername('*');
    datagrams.setsockname('127.0.0.1', 0);
    datagrams.sendto('own', '127.0.0.1', String(datagrams.getsockname()[1]));
    settle(context);
    expect(datagrams.receivefrom()[0]).toBe('own');
  });
});

test('no call waits, whatever the limit; no fence is asked for', () => {
  const all = polling();
  const { server, served } = pair(all);
  const kernel = all.context.channel as Kernel;
  const before = [kernel.clock, kernel.barriers];
  for (const limit of [null, 0, 10]) {
    server.settimeout(limit);
    served.settimeout(limit, 't');
    expect(server.accept()).toEqual([null, 'timeout']);
    expect(served.receive(1)).toEqual([null, 'timeout', '']);
    expect(all.socket.select([server, served], null, limit)[2]).toBe('timeout');
    expect(served.getoption('error')).toEqual([null]);
  }
  expect([kernel.clock, kernel.barriers]).toEqual(before);
});

test('a source answers what has come, piece by piece', () => {
  const all = polling();
  const { served, client, stream } = pair(all);
  const source = all.socket.source('until-closed', served);
  expect(source()).toEqual([null, 'timeout']);
  stream.receive(bytes('some'));
  expect(source()).toEqual(['some']);
  expect(source()).toEqual([null, 'timeout']);
  stream.receive(bytes('more'));
  client.close();
  expect(source()).toEqual(['more']);
  expect(source()).toEqual([null]);
});
