/** Any calls in any order: refusals are SystemFailures, nothing else is thrown, and no descriptor stays. */
import type { OptionValue } from '@luasocket-web/shared/frames';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSockets } from '../../src/sockets/index.ts';
import { SystemFailure, type TcpSocket, type UdpSocket } from '../../src/sockets/socket.ts';
import { at, descriptors, settle, TcpLog, UdpLog, until } from './support.ts';

const OPTIONS = ['keepalive', 'linger', 'error', 'reuseaddr', 'ip-add-membership', 'ipv6-multicast-hops', 'nonsense'];
const VALUES = [true, null, 7, 'x', { on: true, timeout: 0 }, { multiaddr: '239.7.7.7', interface: '127.0.0.1' }];

interface Call {
  readonly which: number;
  readonly what: number;
  readonly number: number;
  readonly option: string;
  readonly value: OptionValue;
  readonly wait: boolean;
}

interface Cast {
  readonly tcp: TcpSocket;
  readonly udp: UdpSocket;
  readonly other: TcpSocket;
}

const ACTS: readonly ((cast: Cast, call: Call) => void)[] = [
  ({ tcp }) => tcp.bind(at(tcp.family, 0)),
  ({ udp }) => udp.bind(at(udp.family, 0)),
  ({ tcp }, { number }) => tcp.listen(number % 4),
  ({ tcp, other }) => void tcp.connect(other.localName()),
  ({ tcp }) => void tcp.connect(at(tcp.family, 1)),
  ({ tcp }, { option, value }) => tcp.setOption(option, value),
  ({ udp }, { option, value }) => udp.setOption(option, value),
  ({ tcp }, { option }) => void tcp.getOption(option),
  ({ udp }, { option }) => void udp.getOption(option),
  ({ tcp }, { number }) => tcp.write(Buffer.alloc(Math.max(0, number) * 10)),
  ({ tcp }, { number }) => tcp.shutdown(number % 2 ? 'send' : 'both'),
  ({ tcp }, { number }) => (number % 2 ? tcp.pause() : tcp.resume()),
  ({ tcp }) => tcp.taken(),
  ({ tcp }, { number }) => tcp.close(number % 2 === 0),
  ({ udp }, { number }) => udp.connect(number % 3 === 0 ? null : udp.localName()),
  ({ udp }, { number }) => udp.send(Buffer.alloc(Math.max(0, number)), number % 2 ? null : udp.localName()),
  ({ udp }, { number }) => number % 5 === 0 && udp.close(),
];

function pick<T>(list: readonly T[], index: number): T {
  const item = list[index % list.length];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
}

const calls: fc.Arbitrary<Call> = fc.record({
  which: fc.nat(5),
  what: fc.nat(ACTS.length - 1),
  number: fc.integer({ min: -3, max: 70_000 }),
  option: fc.constantFrom(...OPTIONS),
  value: fc.constantFrom(...VALUES),
  wait: fc.boolean(),
});

test.each([
  ['with system calls', createSockets()],
  ['with Node alone', createSockets({ system: null })],
])('any calls in any order, %s', async (_, sockets) => {
  await settle();
  const before = descriptors();
  await fc.assert(
    fc.asyncProperty(fc.array(calls, { maxLength: 60 }), async (calls) => {
      const logs = [new TcpLog(), new TcpLog(), new TcpLog()];
      const tcp: TcpSocket[] = logs.map((log, i) => sockets.tcp(i === 2 ? 6 : 4, log));
      const udp: UdpSocket[] = [sockets.udp(4, new UdpLog()), sockets.udp(6, new UdpLog())];
      for (const call of calls) {
        const { which, what, number, wait } = call;
        const cast = { tcp: pick(tcp, which), udp: pick(udp, which), other: pick(tcp, which + 1) };
        try {
          pick(ACTS, what)(cast, call);
        } catch (error) {
          expect(error).toBeInstanceOf(SystemFailure);
        }
        if (wait) await settle();
        for (const log of logs) {
          for (const { socket: accepted } of log.arrivals.splice(0)) {
            if (number % 2) accepted.adopt(new TcpLog());
            tcp.push(accepted);
          }
        }
      }
      for (const socket of [...tcp, ...udp]) socket.close(calls.length % 2 === 0);
      await settle();
      for (const { socket } of logs.flatMap((log) => log.arrivals)) socket.close(true);
    }),
    { numRuns: 100 },
  );
  await until(() => descriptors() <= before);
});
