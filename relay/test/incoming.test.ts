/** The receiver of WebSocket frames: what `ws` makes of the same bytes, however they come; and the memory that it takes. */
import { MAX_MESSAGE } from '@luasocket-web/shared/limits';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fragments, masked, OPCODE, type Shape } from './support/masked.ts';
import { oracle, READ_BYTES, Reading, type Told, tick } from './support/reading.ts';

const filled = (length: number, seed = 1) => Buffer.alloc(length).map((_, i) => (i * 31 + (i >>> 8) * 7 + seed) & 0xff);

/** By their contents: comparing hundreds of kilobytes one by one takes long. */
function same(told: readonly Told[], expected: readonly Told[]): void {
  const brief = (list: readonly Told[]) =>
    list.map((each) => each.map((part) => (Buffer.isBuffer(part) && part.length > 200 ? part.length : part)));
  expect(brief(told)).toEqual(brief(expected));
  for (const [i, [, data]] of told.entries()) {
    if (Buffer.isBuffer(data)) expect(data.equals(expected[i]?.[1] as Buffer)).toBe(true);
  }
}

const seed = fc.integer({ min: 0, max: 255 });
const control = fc.record({
  opcode: fc.constantFrom(OPCODE.ping, OPCODE.pong),
  payload: fc.uint8Array({ maxLength: 125 }),
  mask: fc.nat(),
});

/** One message, in pieces, with control frames between them. */
const messageOf = (length: fc.Arbitrary<number>) =>
  fc
    .tuple(length, seed, fc.array(fc.nat(), { maxLength: 12 }), fc.array(control, { maxLength: 3 }))
    .map(([bytes, from, cuts, controls]) => {
      const ends = cuts.map((cut) => cut % (bytes + 1)).sort((a, b) => a - b);
      const frames = fragments(filled(bytes, from), ends);
      for (const [i, each] of controls.entries()) frames.splice((i * 5) % (frames.length + 1), 0, masked(each));
      return Buffer.concat(frames);
    });

const near = (edge: number) => fc.integer({ min: Math.max(0, edge - 3), max: Math.min(MAX_MESSAGE, edge + 3) });
const length = fc.oneof(fc.nat(300), near(125), near(65_535), near(32 * 1024), near(MAX_MESSAGE), fc.nat(MAX_MESSAGE));
const pattern = fc.array(fc.oneof(fc.integer({ min: 512, max: 70_000 }), fc.constant(Number.POSITIVE_INFINITY)), {
  minLength: 1,
  maxLength: 6,
});
const crumbs = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 });
const answers = fc.array(fc.boolean(), { minLength: 1, maxLength: 5 });

/** `messages` as one stream, in reads of these sizes. */
async function readAtOnce(messages: Buffer[], sizes: number[], spent: boolean[]): Promise<void> {
  const bytes = Buffer.concat(messages);
  const reading = new Reading(spent).read(bytes, sizes);
  same(reading.told, await oracle(bytes));
  expect(reading.spoilt).toBe(0);
}

describe('as ws reads them', () => {
  test('messages of any size in any pieces, in reads of any size; kept ones stay as they are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(messageOf(length), { minLength: 1, maxLength: 8 }), pattern, answers, readAtOnce),
      { numRuns: 120 },
    );
  });

  test('byte by byte', async () => {
    const small = fc.oneof(fc.nat(300), near(125), fc.nat(9000));
    await fc.assert(
      fc.asyncProperty(fc.array(messageOf(small), { minLength: 1, maxLength: 4 }), crumbs, answers, readAtOnce),
      { numRuns: 60 },
    );
  });

  test('busy and quiet by turns', async () => {
    const turn = fc.oneof(messageOf(fc.nat(40)), messageOf(fc.integer({ min: 30_000, max: MAX_MESSAGE })));
    await fc.assert(
      fc.asyncProperty(
        fc.array(turn, { minLength: 4, maxLength: 16 }),
        pattern,
        answers,
        async (messages, sizes, spent) => {
          const reading = new Reading(spent);
          for (const message of messages) reading.read(message, sizes);
          same(reading.told, await oracle(Buffer.concat(messages)));
          expect(reading.spoilt).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('any bytes at all behind a good message', async () => {
    const noText = (bytes: Uint8Array) => !bytes.some((byte) => (byte & 0x0f) === OPCODE.text);
    const header = fc.tuple(seed, seed).map(([first, second]) => Uint8Array.of(first, second));
    const odd = fc.array(fc.oneof(header, control.map(masked), fc.uint8Array({ maxLength: 30 })), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(odd, crumbs, async (parts, sizes) => {
        const tail = Buffer.concat(parts);
        fc.pre(noText(tail));
        // Zeros at the end: ws looks at a length before the mask has come.
        const bytes = Buffer.concat([masked({ opcode: OPCODE.binary, payload: filled(5) }), tail, Buffer.alloc(16)]);
        const { told } = new Reading().read(bytes, sizes);
        same(told, await oracle(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  test.each([126, 127])('a length that needs no %d is read all the same', (form) => {
    const payload = filled(5);
    const plain = masked({ opcode: OPCODE.binary, payload });
    const more = form === 126 ? [0, 5] : [0, 0, 0, 0, 0, 0, 0, 5];
    const bytes = Buffer.concat([Buffer.from([0x82, 0x80 | form, ...more]), plain.subarray(2)]);
    expect(new Reading().read(bytes).messages).toEqual([payload]);
  });

  test('one message after another, each filling all the room there is', () => {
    const messages = Array.from({ length: 40 }, (_, i) =>
      masked({ opcode: OPCODE.binary, payload: filled(MAX_MESSAGE, i) }),
    );
    for (const spent of [[true], [false], [true, false]]) {
      const reading = new Reading(spent).read(Buffer.concat(messages), [Number.POSITIVE_INFINITY]);
      expect(reading.messages.map((message, i) => message.equals(filled(MAX_MESSAGE, i)))).toEqual(
        messages.map(() => true),
      );
      expect(reading.spoilt).toBe(0);
    }
  });
});

const GOOD = { opcode: OPCODE.binary, payload: filled(9) } as const;
const begun = masked({ ...GOOD, final: false });
type Case = [what: string, fault: 'malformed' | 'too_large', frame: Shape, before?: Buffer];
const BAD: readonly Case[] = [
  ['bit 1 of the reserved', 'malformed', { ...GOOD, reserved: 4 }],
  ['bit 2 of the reserved', 'malformed', { ...GOOD, reserved: 2 }],
  ['bit 3 of the reserved', 'malformed', { ...GOOD, reserved: 1 }],
  ['a reserved bit in a fragment', 'malformed', { ...GOOD, opcode: 0, reserved: 4 }, begun],
  ['no mask', 'malformed', { ...GOOD, mask: null }],
  ['a PING without mask', 'malformed', { opcode: OPCODE.ping, mask: null }],
  ['text', 'malformed', { ...GOOD, opcode: OPCODE.text }],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode): Case => [`opcode ${opcode}`, 'malformed', { ...GOOD, opcode }]),
  ['a PING in fragments', 'malformed', { opcode: OPCODE.ping, final: false }],
  ['a CLOSE in fragments', 'malformed', { opcode: OPCODE.close, final: false }],
  ['a PING of 126 bytes', 'malformed', { opcode: OPCODE.ping, payload: filled(126) }],
  ['a PONG of 70,000 bytes', 'malformed', { opcode: OPCODE.pong, payload: filled(70_000) }],
  ['a continuation of nothing', 'malformed', { ...GOOD, opcode: OPCODE.continuation }],
  ['a message within another', 'malformed', GOOD, begun],
  ['a byte too much', 'too_large', { opcode: OPCODE.binary, payload: filled(MAX_MESSAGE + 1) }],
  [
    'a byte too much in a fragment',
    'too_large',
    { opcode: OPCODE.binary, payload: filled(MAX_MESSAGE + 1), final: false },
  ],
  ['a byte too much in all', 'too_large', { opcode: 0, payload: filled(MAX_MESSAGE - 8) }, begun],
  ['a length of 4 GiB', 'too_large', { opcode: OPCODE.binary, length: 2n ** 32n }],
  ['a length of 2^53 + 1', 'too_large', { opcode: OPCODE.binary, length: 2n ** 53n + 1n }],
  ['the longest length there is', 'too_large', { opcode: OPCODE.binary, length: 2n ** 64n - 1n }],
  ['such a length behind a fragment', 'too_large', { opcode: 0, length: 2n ** 64n - 9n }, begun],
];

describe('what is wrong', () => {
  test.each(BAD)('%s is %s, and nothing after it counts', (_what, fault, frame, before = Buffer.alloc(0)) => {
    const bytes = Buffer.concat([
      masked(GOOD),
      before,
      masked(frame),
      masked(GOOD),
      masked({ opcode: OPCODE.ping }),
      masked({ ...GOOD, mask: null }),
      masked({ opcode: OPCODE.close }),
    ]);
    for (const sizes of [[READ_BYTES], [1000, 7], [Number.POSITIVE_INFINITY]]) {
      const reading = new Reading().read(bytes, sizes);
      expect(reading.told).toEqual([
        ['message', GOOD.payload],
        ['fault', fault],
      ]);
      expect(reading.room.buffer).toBe(reading.shared.buffer);
    }
  });

  test('as much as a message may have, in fragments, is not too much; the next counts anew', () => {
    const whole = filled(MAX_MESSAGE);
    const bytes = Buffer.concat(fragments(whole, [0, 1, 1000, MAX_MESSAGE - 1, MAX_MESSAGE]));
    const reading = new Reading().read(bytes).read(bytes);
    same(reading.told, [
      ['message', whole],
      ['message', whole],
    ]);
  });
});

describe('a close frame', () => {
  const reason = Buffer.concat([Buffer.from([0x03, 0xe8]), Buffer.from('enough')]);

  test.each([[[READ_BYTES]], [[1]]])('goes to ws whole, and nothing after it is delivered (reads of %j)', (sizes) => {
    const close = masked({ opcode: OPCODE.close, payload: reason });
    const after = [masked(GOOD), masked({ opcode: OPCODE.ping }), masked({ ...GOOD, mask: null })];
    const reading = new Reading().read(Buffer.concat([begun, close, ...after]), sizes);
    expect(reading.told).toEqual([['close', 1000, 'enough']]);
    expect(reading.controls).toEqual([close]);
  });

  test.each([
    ['a code of one byte', Uint8Array.of(3)],
    ['a code that may not be sent', Uint8Array.of(0x03, 0xed)],
    ['a reason that is no UTF-8', Uint8Array.of(0x03, 0xe8, 0xff)],
  ])('with %s is left to ws to refuse', async (_what, payload) => {
    const { told } = new Reading().read(masked({ opcode: OPCODE.close, payload }));
    await tick();
    expect(told).toEqual([['fault', 'malformed']]);
  });
});

describe('memory', () => {
  const big = masked({ opcode: OPCODE.binary, payload: filled(200_000) });

  test('a quiet connection takes none, nor does one that is quiet again', () => {
    const reading = new Reading();
    for (let i = 0; i < 100; i++) reading.read(masked(GOOD));
    expect(reading.memories.size).toBe(0);
    for (const spent of [[true], [false]]) {
      const busy = new Reading(spent).read(big).read(big);
      expect(busy.room.buffer).not.toBe(busy.shared.buffer);
      busy.read(masked(GOOD)).read(masked(GOOD)).read(masked(GOOD));
      expect(busy.room.buffer).toBe(busy.shared.buffer);
    }
  });

  test('a busy one takes one chunk as long as nothing in it is kept', () => {
    const reading = new Reading();
    for (let i = 0; i < 50; i++) reading.read(big);
    expect(reading.memories.size).toBe(1);
  });

  test('what is said to come takes no memory before it comes', () => {
    const long = masked({ opcode: OPCODE.binary, payload: filled(MAX_MESSAGE) });
    const reading = new Reading();
    let come = 0;
    for (const size of [3, 20, ...Array.from({ length: 2000 }, () => 500)]) {
      reading.read(long.subarray(come, come + size));
      come = Math.min(come + size, long.length);
      if (come < long.length)
        expect(reading.room.buffer.byteLength).toBeLessThanOrEqual(Math.max(8192, 4 * come, READ_BYTES));
    }
    expect(reading.messages).toHaveLength(1);
    expect(reading.allocated).toBeLessThan(3 * MAX_MESSAGE);
  });

  test('before a frame’s header is complete, it takes little', () => {
    const reading = new Reading().read(Uint8Array.of(0x82, 0xff, 0, 0, 0, 0));
    expect(reading.allocated).toBeLessThanOrEqual(8192);
    reading.read(Uint8Array.of(0));
    expect(reading.allocated).toBeLessThanOrEqual(8192);
  });

  test.each([[[READ_BYTES]], [[7]], [[100, 3]], [[Number.POSITIVE_INFINITY]]])(
    'thousands of small fragments take as much as one message (reads of %j)',
    (sizes) => {
      const whole = filled(20_000);
      const bytes = Buffer.concat(
        fragments(
          whole,
          Array.from({ length: 19_999 }, (_, i) => i + 1),
        ),
      );
      const reading = new Reading().read(bytes, sizes);
      expect(reading.messages.map((message) => message.equals(whole))).toEqual([true]);
      // Each larger than the one before: no crumb is copied again and again.
      expect(reading.memories.size).toBeLessThan(8);
      expect(reading.allocated).toBeLessThan(640 * 1024);
    },
  );

  test('thousands of empty fragments take none', () => {
    const empty = masked({ opcode: OPCODE.continuation, final: false });
    const last = masked({ opcode: OPCODE.continuation, payload: filled(3) });
    const reading = new Reading().read(masked({ opcode: OPCODE.binary, final: false }));
    for (let i = 0; i < 3000; i++) reading.read(empty);
    reading.read(last);
    expect(reading.messages).toEqual([filled(3)]);
    expect(reading.allocated).toBeLessThanOrEqual(8192);
  });

  test('a control frame is not of the memory that others read into', () => {
    const ping = masked({ opcode: OPCODE.ping, payload: filled(125) });
    const reading = new Reading()
      .read(Buffer.concat([ping, ping]))
      .read(big)
      .read(ping)
      .read(big)
      .read(big);
    expect(reading.controls).toEqual([ping, ping, ping]);
  });
});
