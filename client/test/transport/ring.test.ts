/** The ring: a queue of records, whatever comes, from one thread to another. */
import { once } from 'node:events';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bell } from '../../src/transport/bell.ts';
import { RingReader, RingWriter, ringMemory } from '../../src/transport/ring.ts';
import { newShared, type Shared, spawn } from './ring-thread.ts';
import { recordOf, SEEDED } from './seeded.ts';

const HEADER = 4;
const sizeOf = (length: number) => HEADER + Math.ceil(length / 4) * 4;

/** Lets the positions wrap at 2^32 within a test: they begin just before. */
function almostWrapped(capacity: number): SharedArrayBuffer {
  const memory = ringMemory(capacity);
  new Int32Array(memory).fill(-4 * capacity, 0, 2);
  return memory;
}

test('a ring is a queue with so much room, whatever is written and read', () => {
  const operation = fc.oneof(
    fc.record({ kind: fc.integer({ min: 0, max: 255 }), bytes: fc.uint8Array({ maxLength: 60 }) }),
    fc.constant('read' as const),
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 300 }), fc.boolean(), (operations, wraps) => {
      const memory = wraps ? almostWrapped(64) : ringMemory(64);
      const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
      const queue: { kind: number; bytes: Uint8Array }[] = [];
      let used = 0;
      for (const op of operations) {
        if (op === 'read') {
          const expected = queue.shift() ?? null;
          expect(reader.read()).toEqual(expected);
          if (expected) used -= sizeOf(expected.bytes.length);
        } else {
          const size = sizeOf(op.bytes.length);
          expect(writer.write(op.kind, op.bytes)).toBe(used + size <= 64);
          if (used + size > 64) continue;
          queue.push({ kind: op.kind, bytes: op.bytes.slice() });
          used += size;
        }
      }
      for (const expected of queue) expect(reader.read()).toEqual(expected);
      expect(reader.read()).toBeNull();
    }),
    { numRuns: 300 },
  );
});

test('a record that could never go in is refused, one that just fits goes in at any place', () => {
  const memory = ringMemory(32);
  const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
  expect(() => writer.write(1, new Uint8Array(29))).toThrow(RangeError);
  for (let at = 0; at < 8; at++) {
    const bytes = Uint8Array.from({ length: 28 }, (_, i) => i + at);
    expect(writer.write(at, bytes)).toBe(true);
    expect(writer.write(at, new Uint8Array(0))).toBe(false);
    expect(reader.read()).toEqual({ kind: at, bytes });
    writer.write(0, new Uint8Array(0));
    reader.read();
  }
});

test('what is read is not shared: the writer cannot change it any more', () => {
  const memory = ringMemory(32);
  const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
  writer.write(1, Uint8Array.of(1, 2, 3));
  const record = reader.read();
  new Uint8Array(memory).fill(255);
  expect(record).toEqual({ kind: 1, bytes: Uint8Array.of(1, 2, 3) });
  expect(record?.bytes.buffer).toBeInstanceOf(ArrayBuffer);
});

test('a capacity that is no power of two, or too large for a header, is refused', () => {
  for (const capacity of [0, 4, 12, 1000, 2 ** 25]) expect(() => ringMemory(capacity)).toThrow(RangeError);
});

/** Reads what the thread writes, blocking while there is nothing; answers how often the ring was empty. */
function readAll({ ring, bells }: Shared, count: number, pause: (index: number) => void): number {
  const reader = new RingReader(ring);
  const [mine, theirs] = [new Bell(new Int32Array(bells, 0, 2), null), new Bell(new Int32Array(bells, 8, 2), null)];
  let empty = 0;
  for (let index = 0; index < count; index++) {
    pause(index);
    for (;;) {
      const seen = mine.count;
      const record = reader.read();
      if (record) {
        theirs.ring();
        expect(record).toEqual(recordOf(index));
        break;
      }
      empty++;
      mine.wait(seen, 20_000);
    }
  }
  return empty;
}

for (const [what, pause] of [
  ['a reader as fast as it can', () => {}],
  ['a reader that stops now and then, so that the ring is full', stopNowAndThen],
] as const) {
  test(`${SEEDED} records come from another thread as they were sent, with ${what}`, async () => {
    const shared = newShared();
    const thread = await spawn('write', shared, SEEDED);
    const exited = once(thread, 'exit');
    const full = once(thread, 'message');
    readAll(shared, SEEDED, pause);
    // How often the writer found no room.
    const [times] = await full;
    if (pause === stopNowAndThen) expect(times).toBeGreaterThan(0);
    await exited;
  });
}

function stopNowAndThen(index: number): void {
  if (index % 2000 === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
}

for (const way of ['echo', 'echo by messages'] as const) {
  test(`a thread that waits in its event loop answers each record (${way})`, async () => {
    const shared = newShared();
    const thread = await spawn(way, shared, 500);
    const exited = once(thread, 'exit');
    const back = new RingReader(shared.back);
    const there = new RingWriter(shared.ring);
    const mine = new Bell(new Int32Array(shared.bells, 0, 2), null);
    const theirs = new Bell(
      new Int32Array(shared.bells, 8, 2),
      way === 'echo' ? null : () => thread.postMessage('bell'),
    );
    for (let index = 0; index < 500; index++) {
      const { kind, bytes } = recordOf(index);
      expect(there.write(kind, bytes)).toBe(true);
      theirs.ring();
      let answer = null;
      while (answer === null) {
        const seen = mine.count;
        answer = back.read();
        if (answer === null) mine.wait(seen, 20_000);
      }
      expect(answer).toEqual({ kind, bytes });
    }
    await exited;
  });
}
