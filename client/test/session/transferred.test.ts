/** A program that transfers the buffer of a view takes bytes with it that it has not received: it is told. */
import { describe, expect, it } from 'vitest';
import type { DatagramSocket } from '../../src/core/channel.ts';
import { ReadBuffer } from '../../src/core/readbuffer.ts';
import { byteStrings } from '../../src/core/strings.ts';
import { ByteQueue } from '../../src/session/byte-queue.ts';
import type { ModelStream } from '../core/kernel.ts';
import { connected } from '../core/lua.ts';
import { PEER, Scripted } from './scripted.ts';

const GONE = /went with a buffer that was transferred/;
const transfer = ({ buffer }: Uint8Array) => structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });

describe('bytes that went with a transferred buffer', () => {
  it('are not passed over in a queue', () => {
    const queue = new ByteQueue();
    queue.push(new Uint8Array(100));
    queue.push(new Uint8Array(10));
    transfer(queue.take(60) as Uint8Array);
    expect(() => queue.take(10)).toThrow(GONE);
    expect(() => queue.take(100)).toThrow(GONE);
  });

  it('are not passed over in a buffer', () => {
    const buffer = new ReadBuffer();
    const message = new Uint8Array(100);
    buffer.fill(message.subarray(60));
    transfer(message);
    expect(buffer.isEmpty).toBe(false);
    expect(() => buffer.content).toThrow(GONE);
  });
});

it('a receive that waits with a piece of it is told, too', () => {
  const { kernel, accepted, stream } = connected<Uint8Array>('bytes');
  (stream.other as ModelStream).receive(new Uint8Array(98_304).fill(1));
  const [first] = accepted.receive(65_536);
  accepted.settimeout(1);
  kernel.in(0.1, () => transfer(first as Uint8Array));
  expect(() => accepted.receive(65_536)).toThrow(GONE);
});

it('datagrams of one message do not go with each other', () => {
  const relay = new Scripted({ download: 1 << 20 });
  const socket = relay.channel.udp(4) as DatagramSocket;
  const datagram = { type: 'datagram', socket: 1, peer: PEER, payload: new Uint8Array(40_000).fill(7) } as const;
  relay.tell(datagram, datagram);
  const { decode } = byteStrings({ encode: () => new Uint8Array(), decode: String });
  const received = () => decode((socket.recv() as { payload: Uint8Array }).payload);
  transfer(received());
  expect(received()).toEqual(datagram.payload);
});

it('bytes that were all received may go', () => {
  const queue = new ByteQueue();
  queue.push(new Uint8Array(100));
  queue.push(Uint8Array.of(1, 2, 3));
  transfer(queue.take(100) as Uint8Array);
  expect(queue.take(100)).toEqual(Uint8Array.of(1, 2, 3));
});
