/**
 * What a field's type alone does not say: the range of a number, the length of bytes. PROTOCOL.md states these with
 * each frame; both encoder and decoder hold to them.
 */
import { ProtocolError } from '../errors.ts';
import type { FRAMES, FrameName, FrameOf } from '../frames.ts';
import * as limits from '../limits.ts';

/** For numbers, the values between; for bytes, the lengths between. */
export interface Range {
  readonly min: number;
  readonly max: number;
  /** Only these. */
  readonly among?: readonly number[];
  /** The fault of a length above `max`; below `min` and for numbers it is `malformed`. */
  readonly above: 'malformed' | 'too_large';
}

type Rules = { readonly [N in FrameName]?: { readonly [K in keyof (typeof FRAMES)[N]['fields']]?: Range } };

const between = (min: number, max: number): Range => ({ min, max, above: 'malformed' });
const exactly = (length: number): Range => between(length, length);
const among = (...values: number[]): Range => ({ ...between(Math.min(...values), Math.max(...values)), among: values });
const upTo = (max: number, min = 0): Range => ({ min, max, above: 'too_large' });

const U32 = between(0, 0xffff_ffff);
const KINDS = among(0, 1);
const FAMILIES = among(4, 6);

export const RANGES = {
  challenge: { nonce: exactly(limits.NONCE_BYTES), epoch: exactly(limits.EPOCH_BYTES) },
  welcome: {
    session: exactly(limits.SESSION_BYTES),
    key: exactly(limits.KEY_BYTES),
    epoch: exactly(limits.EPOCH_BYTES),
  },
  // The MAC covers `generation` as u32.
  resume: { session: exactly(limits.SESSION_BYTES), generation: U32, mac: exactly(limits.MAC_BYTES) },
  resumed: { mac: exactly(limits.MAC_BYTES) },
  open: { kind: KINDS, family: FAMILIES },
  resolve: { family: among(0, 4, 6), kind: KINDS, use: between(0, 3) },
  shutdown: { how: between(0, 2) },
  sendto: { payload: upTo(limits.MAX_DATAGRAM_V6) },
  data: { payload: upTo(limits.MAX_DATA, 1) },
  datagram: { payload: upTo(limits.MAX_DATAGRAM_V6) },
  lease: { kind: KINDS, family: FAMILIES, port: between(1, 65_535) },
} satisfies Rules;

/** Fields that are socket ids, in any frame: they fit the hand-laid forms of DATA and DATAGRAM. */
const SOCKET_FIELDS: readonly string[] = ['socket', 'listener'];

/** The range of one field, if its type does not say it all. */
export function rangeOf(frame: FrameName, field: string): Range | undefined {
  if (SOCKET_FIELDS.includes(field)) return U32;
  const ranges: { readonly [field: string]: Range | undefined } | undefined = (RANGES as Rules)[frame];
  return ranges?.[field];
}

/** @throws ProtocolError `malformed` or `too_large`. */
export function checkRange(value: number, range: Range, what: string): void {
  if (value > range.max) throw new ProtocolError(range.above, `${what}: ${value} is above ${range.max}`);
  if (value < range.min || (range.among && !range.among.includes(value))) {
    throw new ProtocolError('malformed', `${what}: ${value}`);
  }
}

/** The rules that join two fields. @throws ProtocolError `malformed` or `too_large`. */
export function checkDatagram({ type, peer, payload }: FrameOf<'datagram' | 'sendto'>, from: 'client' | 'relay'): void {
  if (peer?.family === 4 && payload.length > limits.MAX_DATAGRAM_V4) {
    throw new ProtocolError('too_large', `an IPv4 datagram of ${payload.length} bytes`);
  }
  if (peer === null && from === 'relay') throw new ProtocolError('malformed', `${type} of the relay without a peer`);
}
