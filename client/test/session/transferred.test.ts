/** A program that transfers the buffer of a view takes bytes with it that it has not received: it is told. */
import { describe, expect, it } from 'vitest';
import { ReadBuffer } from '../../src/core/readbuffer.ts';
import { ByteQueue } from '../../src/session/byte-queue.ts';

const GONE = /went with a buffer that was transferred/;
const transfer = ({ buffer }: Uint8Array) => structuredClone(buffer, { transfer: [buffer] });

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

it('bytes that were all received may go', () => {
  const queue = new ByteQueue();
  queue.push(new Uint8Array(100));
  queue.push(Uint8Array.of(1, 2, 3));
  transfer(queue.take(100) as Uint8Array);
  expect(queue.take(100)).toEqual(Uint8Array.of(1, 2, 3));
});
