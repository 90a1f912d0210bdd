/** Bulk behind a WebSocket that has much to send already: put together, in order, and never left behind. */
import type { FrameOf } from '@luasocket-web/shared/frames';
import { describe, expect, test } from 'vitest';
import type { Stream } from '../../src/core/channel.ts';
import { Scripted } from './scripted.ts';

const POOL = 8 * 1024 * 1024;
const HEADER = 12;
/** Of a full frame of 128 KiB. */
const FULL = 128 * 1024 - HEADER;
const PIECE = 64 * 1024;

const pattern = (length: number, seed: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = (at * 7 + seed * 31) & 0xff;
  return bytes;
};

/** A stream of a session whose WebSocket is busy, and what was sent on it. */
function bulky() {
  const relay = new Scripted({ upload: POOL });
  const stream = relay.established();
  relay.busy = true;
  const given: Uint8Array[] = [];
  const send = (length: number, to: Stream = stream) => {
    const bytes = pattern(length, given.length);
    expect(to.send(bytes, 0, length)).toBe(length);
    given.push(bytes.slice());
    // The program may use its memory again.
    bytes.fill(0);
  };
  const data = () => relay.sent.filter((frame): frame is FrameOf<'data'> => frame.type === 'data');
  const sizes = () => data().map(({ payload }) => payload.length);
  const arrived = () => Buffer.concat(data().map(({ payload }) => payload));
  return { relay, stream, send, sizes, arrived, given };
}

describe('bulk', () => {
  test('goes in full frames, whole and in order', () => {
    const { send, sizes, arrived, given, relay, stream } = bulky();
    for (let n = 0; n < 9; n++) send(PIECE);
    expect(sizes()).toEqual([FULL, FULL, FULL, FULL]);
    stream.shutdown('send');
    expect(sizes()).toEqual([FULL, FULL, FULL, FULL, 9 * PIECE - 4 * FULL]);
    expect(arrived().equals(Buffer.concat(given))).toBe(true);
    expect(relay.sent.at(-1)?.type).toBe('shutdown');
  });

  test('of one call goes in full frames, too', () => {
    const { send, sizes } = bulky();
    send(3 * FULL);
    expect(sizes()).toEqual([FULL, FULL, FULL]);
  });

  test('is as before where little waits', () => {
    const { send, sizes, relay } = bulky();
    relay.busy = false;
    send(PIECE);
    send(PIECE);
    expect(sizes()).toEqual([PIECE, PIECE]);
  });

  test('goes before what is small', () => {
    const { send, sizes, arrived, given } = bulky();
    send(PIECE);
    expect(sizes()).toEqual([]);
    send(10);
    send(PIECE);
    send(PIECE - HEADER - 10);
    expect(sizes()).toEqual([PIECE, 10]);
    send(PIECE);
    expect(sizes()).toEqual([PIECE, 10, FULL]);
    expect(arrived().equals(Buffer.concat(given).subarray(0, arrived().length))).toBe(true);
  });

  test('goes before what is sent on another socket, and before any request', () => {
    const { send, relay, stream } = bulky();
    const other = relay.channel.tcp(4) as Stream;
    relay.expect('open');
    send(PIECE);
    other.connect({ family: 4, address: '127.0.0.1', port: 1 });
    expect(relay.sent.map(({ type }) => type)).toEqual(['data', 'connect']);
    send(PIECE);
    relay.channel.barrier();
    expect(relay.sent.map(({ type }) => type)).toEqual(['data', 'connect', 'data', 'barrier']);
    send(PIECE);
    stream.close();
    expect(relay.sent.map(({ type }) => type).slice(4)).toEqual(['data', 'close']);
  });

  test('waits for a message of the relay that leaves little to wait for', () => {
    const { send, sizes, relay } = bulky();
    send(PIECE);
    relay.tell({ type: 'pool', bytes: 1 });
    expect(sizes()).toEqual([]);
    relay.busy = false;
    relay.tell({ type: 'pool', bytes: 1 });
    expect(sizes()).toEqual([PIECE]);
  });

  test('is kept for the next WebSocket when this one is lost', () => {
    const { send, sizes, relay } = bulky();
    send(PIECE);
    relay.sockets.detach();
    expect(sizes()).toEqual([PIECE]);
  });

  test('is gone with the session', () => {
    const { send, sizes, relay, stream } = bulky();
    send(PIECE);
    relay.sockets.end();
    stream.close();
    expect(sizes()).toEqual([]);
  });
});
