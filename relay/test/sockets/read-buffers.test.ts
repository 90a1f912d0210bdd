/** Memory for what is read: nothing that is still needed is written over, and what is not needed is used again. */
import { STREAM_RESERVE } from '@luasocket-web/shared/limits';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Intake } from '../../src/sockets/intake.ts';
import { HEADROOM, ReadBuffers } from '../../src/sockets/read-buffers.ts';

const KIB = 1024;

/** Pretends to be the kernel: fills what the intake offers with the next bytes of a pattern. */
function read(intake: Intake, bytes: number, from: number): Uint8Array {
  const room = intake.next();
  const length = Math.min(bytes, room.length);
  for (let i = 0; i < length; i++) room[i] = from + i;
  return intake.take(length);
}

function intakeOn(buffers: ReadBuffers, shared = new Uint8Array(64 * KIB)): Intake {
  const intake = new Intake(shared);
  intake.buffers = buffers;
  // The first read of a connection is a small one.
  buffers.release(read(intake, 1, 0));
  return intake;
}

describe('an intake', () => {
  test('reads little at first, and then no more than it is told, wherever it reads to', () => {
    const shared = new Uint8Array(64 * KIB);
    const intake = new Intake(shared);
    expect(intake.next()).toHaveLength(STREAM_RESERVE);
    const buffers = new ReadBuffers();
    intake.buffers = buffers;
    expect(read(intake, 64 * KIB, 0)).toHaveLength(STREAM_RESERVE);
    expect(intake.next()).toBe(shared);
    for (const bytes of [5000, 40_000]) {
      buffers.readBytes = bytes;
      expect([intake.next().length, intake.next().buffer]).toEqual([bytes, shared.buffer]);
    }
    read(intake, 64 * KIB, 0);
    expect(intake.next()).toHaveLength(40_000);
    expect(intake.next().buffer).not.toBe(shared.buffer);
  });

  test('keeps a quiet connection in the shared buffer, and copies', () => {
    const shared = new Uint8Array(64 * KIB);
    const intake = intakeOn(new ReadBuffers(), shared);
    for (let round = 0; round < 10; round++) {
      expect(intake.next()).toBe(shared);
      expect(read(intake, 100, round)[0]).toBe(round);
    }
  });

  test('gives a busy one larger reads without a copy, until it is quiet again', () => {
    const shared = new Uint8Array(64 * KIB);
    const intake = intakeOn(new ReadBuffers(), shared);
    read(intake, 64 * KIB, 0);
    const room = intake.next();
    expect(room.length).toBeGreaterThan(100 * KIB);
    const payload = read(intake, 100 * KIB, 0);
    expect([payload.buffer, payload.byteOffset, payload.length]).toEqual([room.buffer, room.byteOffset, 100 * KIB]);
    read(intake, 10, 0);
    expect(intake.next()).not.toBe(shared);
    read(intake, 10, 0);
    expect(intake.next()).toBe(shared);
  });

  test('lends to so many only, and to the next when one is done', () => {
    const shared = new Uint8Array(64 * KIB);
    const buffers = new ReadBuffers();
    const intakes = Array.from({ length: 10 }, () => intakeOn(buffers, shared));
    for (const intake of intakes) read(intake, 64 * KIB, 0);
    const busy = intakes.filter((intake) => intake.next() !== shared);
    expect(busy).toHaveLength(2);
    busy[0]?.leave();
    const next = intakeOn(buffers, shared);
    read(next, 64 * KIB, 0);
    expect(next.next()).not.toBe(shared);
  });
});

test('memory is used again once nobody needs it', () => {
  const buffers = new ReadBuffers();
  const seen = new Set<ArrayBufferLike>();
  const intake = intakeOn(buffers);
  for (let i = 0; i < 1000; i++) {
    const payload = read(intake, 248 * KIB, i);
    seen.add(payload.buffer);
    buffers.release(payload);
  }
  expect(seen.size).toBeLessThan(12);
});

test('memory goes back to the system when nobody is busy any more', () => {
  const buffers = new ReadBuffers();
  const seen = new Set<ArrayBufferLike>();
  const intake = intakeOn(buffers);
  for (let i = 0; i < 20; i++) {
    const payload = read(intake, 248 * KIB, i);
    seen.add(payload.buffer);
    buffers.release(payload);
  }
  intake.leave();
  buffers.release(read(intake, 64 * KIB, 0));
  expect(seen.has(intake.next().buffer)).toBe(false);
});

test('what is needed stays as it is, its headroom free, whatever comes after it', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          who: fc.nat(3),
          bytes: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 256 * KIB })),
          release: fc.nat(10),
          leave: fc.boolean(),
        }),
        { minLength: 1, maxLength: 60 },
      ),
      (steps) => {
        const buffers = new ReadBuffers();
        const shared = new Uint8Array(64 * KIB);
        const intakes = Array.from({ length: 4 }, () => intakeOn(buffers, shared));
        const kept: { payload: Uint8Array; from: number }[] = [];
        for (const [number, { who, bytes, release, leave }] of steps.entries()) {
          const intake = intakes[who] as Intake;
          const payload = read(intake, bytes, number);
          // Whoever got it may write into the headroom.
          new Uint8Array(payload.buffer, payload.byteOffset - HEADROOM, HEADROOM).fill(0xee);
          kept.push({ payload, from: number });
          if (release < kept.length) buffers.release(kept.splice(release, 1)[0]?.payload as Uint8Array);
          if (leave) intake.leave();
        }
        for (const { payload, from } of kept) {
          const wrong = payload.findIndex((byte, i) => byte !== ((from + i) & 0xff));
          expect(wrong).toBe(-1);
        }
      },
    ),
    { numRuns: 60 },
  );
});
