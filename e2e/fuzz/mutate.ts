/** Messages that are wrong: good ones that were bent, and bombs. */

import { FRAMES } from '../../shared/src/frames.ts';
import { MAX_MESSAGE } from '../../shared/src/limits.ts';
import type { Random } from '../chaos/random.ts';
import { type Packable, pack } from '../fixtures/msgpack.ts';
import { packWildly, UINTS } from './values.ts';
import { type Framing, frameBytes, OPCODE } from './wire.ts';

/** A wrong value for a field of any type. */
const WRONG: readonly [Packable, ...Packable[]] = [
  null,
  ...[true, -1, 0.5, Number.NaN, 2 ** 53, 1e300, Number.POSITIVE_INFINITY, -(2 ** 31) - 1, '', 'x'.repeat(8193)],
  ...[new Uint8Array(0), new Uint8Array(5), new Uint8Array(19), [], [[[[[[]]]]]], {}, { a: { b: 1 } }, [1, 2, 3]],
];

/** A message made wrong, or only odd, from one frame of a client that is in the middle of a session. */
export function mutated(frame: readonly Packable[], random: Random): Buffer {
  return random.of([bytesTurned, cut, extended, fieldsWrong, fieldsWrong, spliced, foreign, noise, bomb])(
    frame,
    random,
  );
}

function bytesTurned(frame: readonly Packable[], random: Random): Buffer {
  const bytes = Buffer.from(packWildly(frame, random));
  for (let turns = random.between(1, 4); turns > 0; turns--) {
    const at = random.between(0, Math.min(bytes.length, 64) - 1);
    bytes[at] = random.chance(0.5) ? (bytes[at] ?? 0) ^ (1 << random.between(0, 7)) : random.between(0, 255);
  }
  return bytes;
}

function cut(frame: readonly Packable[], random: Random): Buffer {
  const bytes = packWildly(frame, random);
  return bytes.subarray(0, random.between(0, bytes.length - 1));
}

function extended(frame: readonly Packable[], random: Random): Buffer {
  return Buffer.concat([packWildly(frame, random), noise(frame, random)]);
}

function fieldsWrong(frame: readonly Packable[], random: Random): Buffer {
  const fields = [...frame];
  const at = random.between(0, fields.length - 1);
  const act = random.between(0, 3);
  if (act === 0) fields.splice(at, 1);
  else if (act === 1) fields.splice(at, 0, random.of(WRONG));
  else if (act === 2) fields[at] = random.of(WRONG);
  else fields[at] = random.of(UINTS);
  return packWildly(fields, random);
}

/** The beginning of one form and the end of another. */
function spliced(frame: readonly Packable[], random: Random): Buffer {
  const [one, other] = [packWildly(frame, random), packWildly(frame, random)];
  const at = random.between(0, Math.min(one.length, other.length));
  return Buffer.concat([one.subarray(0, at), other.subarray(random.between(0, at))]);
}

/** Frames that are not the client's to send, or that there are not. */
function foreign(frame: readonly Packable[], random: Random): Buffer {
  const codes = Object.values(FRAMES).map((each) => each.code);
  const code = random.chance(0.3) ? random.between(0, 300) : random.of(codes as [number]);
  return packWildly([code, ...frame.slice(1)], random);
}

function noise(_frame: readonly Packable[], random: Random): Buffer {
  return Buffer.from(Array.from({ length: random.between(1, 64) }, () => random.between(0, 255)));
}

const SETOPTION = FRAMES.setoption.code;

/** What makes careless decoders run out of stack, memory or time. */
export function bomb(_frame: readonly Packable[], random: Random): Buffer {
  const head = (marker: number, length: number) =>
    Buffer.of(marker, length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255);
  const huge = random.of([0xffff_ffff, 0x7fff_ffff, 0x1000_0000, 262_144, 65_536]);
  return random.of([
    () => Buffer.alloc(random.between(2, MAX_MESSAGE), 0x91), // arrays in arrays
    () => Buffer.alloc(random.between(2, MAX_MESSAGE), 0x81), // maps in maps
    () => Buffer.concat([Buffer.of(0x95, SETOPTION, 1, 1, 0xa1, 0x61), Buffer.alloc(random.between(1, 100_000), 0x81)]),
    () => Buffer.alloc(random.between(2, 65_536), 0x90), // as many empty frames
    () => Buffer.concat([head(0xdd, huge), Buffer.alloc(random.between(0, 64))]),
    () => Buffer.concat([Buffer.of(0x93, 0x30, 1), head(0xc6, huge), Buffer.alloc(8)]),
    () => Buffer.concat([Buffer.of(0x95, SETOPTION, 1, 1), head(0xdb, huge), Buffer.alloc(8)]),
    () => Buffer.concat([Buffer.of(0x95, SETOPTION, 1, 1, 0xa1, 0x61), head(0xdf, huge), Buffer.alloc(64)]),
    () => Buffer.concat([Buffer.of(0x95, SETOPTION, 1, 1, 0xa1, 0x61), manyKeys(random)]),
    () => Buffer.of(0x92, 6, 0xd6, 0xff, 0, 0, 0, 0), // ext: a timestamp
    () => Buffer.concat([Buffer.of(0x92, 6), head(0xc9, huge), Buffer.alloc(9)]),
    () => Buffer.concat([Buffer.of(0x92, 6, 0xcf), Buffer.alloc(8, 0xff)]),
    () => Buffer.of(0x93, 7, 1, 0xca, 0x7f, 0xc0, 0, 0), // NaN
    () => pack([SETOPTION, 1, 1, 'linger', { ['__proto__']: 1, on: true }]),
    () => Buffer.alloc(MAX_MESSAGE + random.between(1, 1000), 0xc0),
    () => Buffer.alloc(0),
  ])();
}

/** A map of as many keys as a message has room for, each `k` and five digits. */
function manyKeys(random: Random): Buffer {
  const count = random.between(1000, 30_000);
  return Buffer.concat([Buffer.of(0xdf, 0, 0, count >> 8, count & 255), KEYS.subarray(0, count * KEY_BYTES)]);
}

const KEY_BYTES = 8;
const KEYS = Buffer.from(
  Array.from({ length: 30_000 }, (_, i) => `\xa6k${String(i).padStart(5, '0')}\x01`).join(''),
  'latin1',
);

/** Bytes that break WebSocket itself, or nearly so. */
export function brokenWebSocket(good: Uint8Array, random: Random): Buffer {
  const framed = (payload: Uint8Array, framing: Framing) =>
    frameBytes(payload, { mask: random.between(0, 2 ** 32 - 1), ...framing });
  const some = Buffer.alloc(random.between(0, 200), random.between(0, 255));
  return random.of([
    () => framed(good, { opcode: OPCODE.text }),
    () => framed(Buffer.of(0xff, 0xfe, 0xc0), { opcode: OPCODE.text }),
    () => framed(good, { masked: false }),
    () => framed(good, { reserved: random.between(1, 7) }),
    () => framed(good, { opcode: random.of([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) }),
    () => framed(some, { opcode: OPCODE.continuation }),
    () => framed(good, { declared: 2n ** 63n + BigInt(random.between(0, 1000)) }),
    () => framed(good, { declared: 2n ** 62n }),
    () => framed(good, { declared: BigInt(MAX_MESSAGE + 1) }),
    () => framed(Buffer.alloc(126), { opcode: OPCODE.ping }),
    () => framed(some.subarray(0, 125), { opcode: OPCODE.ping, final: false }),
    () => framed(Buffer.alloc(1), { opcode: OPCODE.close }),
    () => framed(closing(random.of([0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535])), { opcode: OPCODE.close }),
    () => framed(Buffer.of(3, 232, 0xff, 0xff), { opcode: OPCODE.close }),
    () => framed(closing(random.of([1000, 1001, 1002, 1011, 3000, 4000, 4014, 4999])), { opcode: OPCODE.close }),
    () => fragments(good, random),
    () => Buffer.concat([framed(good, { final: false }), framed(good, {})]),
    () => Buffer.concat(Array.from({ length: 200 }, () => framed(some.subarray(0, 125), { opcode: OPCODE.ping }))),
    () => Buffer.concat([framed(some, { opcode: OPCODE.pong }), some]),
    () => some,
  ])();
}

const closing = (code: number): Buffer => Buffer.of(code >> 8, code & 255);

/** One message in many pieces, some of them empty, pings between them. */
function fragments(good: Uint8Array, random: Random): Buffer {
  const pieces: Buffer[] = [];
  const count = random.between(2, 300);
  const size = Math.ceil(good.length / count) || 1;
  for (let i = 0; i < count; i++) {
    const opcode = i === 0 ? OPCODE.binary : OPCODE.continuation;
    pieces.push(frameBytes(good.subarray(i * size, (i + 1) * size), { opcode, final: i === count - 1 }));
    if (random.chance(0.05)) pieces.push(frameBytes(Buffer.alloc(0), { opcode: OPCODE.ping }));
  }
  return Buffer.concat(pieces);
}
