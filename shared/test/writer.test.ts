/** Our writer of msgpack against msgpackr, as a second opinion: each reads what the other writes, and ours is no longer. */
import { encodeFrame } from '@luasocket-web/shared/codec';
import { Cursor, MAX_DEPTH } from '@luasocket-web/shared/codec/cursor';
import { Writer } from '@luasocket-web/shared/codec/writer';
import { FRAMES, type Value } from '@luasocket-web/shared/frames';
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { anyFrame, value } from './frames.ts';
import { hexOf } from './hex.ts';

const oracle = new Packr({ useRecords: false, mapsAsObjects: false });

const integer = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer(),
  fc.integer({ min: -300, max: 300 }),
  // Around every power of two, where one form ends and the next begins.
  fc
    .tuple(fc.nat({ max: 53 }), fc.integer({ min: -2, max: 2 }), fc.constantFrom(1, -1))
    .map(([power, off, sign]) => sign * (2 ** power + off))
    // msgpack has no negative zero among its integers.
    .filter((value) => Number.isSafeInteger(value) && !Object.is(value, -0)),
);

function write(value: Value, to: Writer): void {
  if (value === null) to.nil();
  else if (typeof value === 'boolean') to.bool(value);
  else if (typeof value === 'string') to.text(value);
  else if (typeof value === 'number') Number.isSafeInteger(value) ? to.integer(value) : to.float(value);
  else if (value instanceof Uint8Array) to.binary(value);
  else if (Array.isArray(value)) {
    to.array(value.length);
    for (const item of value as Value[]) write(item, to);
  } else {
    const entries = Object.entries(value);
    to.map(entries.length);
    for (const [key, item] of entries) {
      to.text(key);
      write(item, to);
    }
  }
}

const writer = new Writer();
function written(run: (to: Writer) => void): Uint8Array {
  writer.begin();
  run(writer);
  return writer.take();
}

/** msgpackr gets maps as Map, and integers beyond 32 bits as bigint, since it would write them as floats. */
function packable(value: Value): unknown {
  if (typeof value === 'number') {
    const wide = Number.isSafeInteger(value) && (value > 0xffff_ffff || value < -0x8000_0000);
    return wide ? BigInt(value) : value;
  }
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(packable);
  return new Map(Object.entries(value).map(([key, item]) => [key, packable(item)]));
}

/** What msgpackr has read, with our types. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]));
  if (typeof value === 'bigint') return Number(value);
  // A Buffer in Node.
  return value instanceof Uint8Array ? Uint8Array.from(value) : value;
}

const copy = (bytes: Uint8Array) => Uint8Array.from(bytes);

describe('msgpackr', () => {
  test('reads every value as it was, and has no shorter form', () => {
    fc.assert(
      fc.property(value as fc.Arbitrary<Value>, (any) => {
        const ours = written((to) => write(any, to));
        expect(plain(oracle.unpack(copy(ours)))).toEqual(any);
        expect(hexOf(ours)).toBe(hexOf(oracle.pack(packable(any))));
      }),
      { numRuns: 1000 },
    );
  });

  test('reads every integer, at the edges of every form', () => {
    fc.assert(
      fc.property(integer, (any) => {
        const ours = written((to) => to.integer(any));
        expect(plain(oracle.unpack(copy(ours)))).toBe(any);
        expect(ours.length).toBeLessThanOrEqual(oracle.pack(packable(any)).length);
      }),
      { numRuns: 3000 },
    );
  });

  test('writes what our reader reads', () => {
    fc.assert(
      fc.property(value as fc.Arbitrary<Value>, (any) => {
        expect(new Cursor(copy(oracle.pack(packable(any)))).value(MAX_DEPTH)).toEqual(any);
      }),
      { numRuns: 1000 },
    );
  });

  test('reads every frame as its number and as many fields as the table has', () => {
    fc.assert(
      fc.property(anyFrame, (frame) => {
        const read: unknown[] = oracle.unpack(copy(encodeFrame(frame)));
        const { code, fields } = FRAMES[frame.type];
        expect(read).toHaveLength(Object.keys(fields).length + 1);
        expect(Number(read[0])).toBe(code);
      }),
      { numRuns: 1000 },
    );
  });
});

test.each([0, 15, 16, 31, 32, 255, 256, 65_535, 65_536])('lengths at the edge of a form: %i', (length) => {
  const text = 'x'.repeat(length);
  const items = new Array<Value>(length).fill(7);
  const map = Object.fromEntries(items.map((item, index) => [`${index}`, item]));
  for (const any of [text, new Uint8Array(length).fill(1), items, map]) {
    const ours = written((to) => write(any, to));
    expect(plain(oracle.unpack(copy(ours)))).toEqual(any);
    expect(ours.length).toBeLessThanOrEqual(oracle.pack(packable(any)).length);
  }
});

test('what was taken stays, whatever is written after it or left unfinished', () => {
  const lengths = fc.array(fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 40_000 })), { minLength: 2, maxLength: 20 });
  fc.assert(
    fc.property(lengths, (all) => {
      const to = new Writer();
      const kept = all.map((length, index) => {
        to.begin();
        to.text('never finished');
        to.begin();
        to.integer(index);
        to.binary(new Uint8Array(length).fill(index));
        return to.take();
      });
      for (const [index, bytes] of kept.entries()) {
        const cursor = new Cursor(bytes);
        expect(cursor.integer()).toBe(index);
        expect(cursor.binary()).toEqual(new Uint8Array(all[index] ?? 0).fill(index));
        expect(cursor.done).toBe(true);
      }
    }),
    { numRuns: 50 },
  );
});
