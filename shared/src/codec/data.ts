/**
 * DATA and DATAGRAM laid by hand, in valid msgpack. They carry nearly all bytes, and a generic encoder costs 5 % of
 * a relay's throughput.
 *
 *     DATA      93 30 ce <socket: u32> c6 <length: u32> <payload>
 *     DATAGRAM  94 33 ce <socket: u32> <c0, or c4 <length: u8> <peer>> c6 <length: u32> <payload>
 */
import { type EndpointCache, packEndpoint, unpackEndpoint } from '../address.ts';
import type { FrameOf } from '../frames.ts';
import { Slab } from './slab.ts';

/** Bytes before the payload of a hand-laid DATA. */
export const DATA_HEADER = 12;

/** Gives memory for a frame, of just so many bytes. */
export type Room = (bytes: number) => Uint8Array;

const slab = new Slab();
/** A frame never gets room twice, so frames may be kept. */
export const OWN_ROOM: Room = (bytes) => slab.take(bytes);

const ARRAY_3 = 0x93;
const ARRAY_4 = 0x94;
const DATA = 0x30;
const DATAGRAM = 0x33;
const NIL = 0xc0;
const BIN_8 = 0xc4;
const BIN_32 = 0xc6;
const UINT_32 = 0xce;

/**
 * A DATA around `payload`, which is not copied: its header takes the DATA_HEADER bytes before it, which have to be the
 * caller's.
 */
export function frameInPlace(socket: number, payload: Uint8Array): Uint8Array {
  const at = payload.byteOffset - DATA_HEADER;
  const frame = new Uint8Array(payload.buffer, at, DATA_HEADER + payload.length);
  layHeader(frame, socket, payload.length);
  return frame;
}

export function layData(socket: number, payload: Uint8Array, room: Room): Uint8Array {
  const frame = room(DATA_HEADER + payload.length);
  layHeader(frame, socket, payload.length);
  frame.set(payload, DATA_HEADER);
  return frame;
}

function layHeader(frame: Uint8Array, socket: number, length: number): void {
  frame[0] = ARRAY_3;
  frame[1] = DATA;
  frame[2] = UINT_32;
  putU32(frame, 3, socket);
  frame[7] = BIN_32;
  putU32(frame, 8, length);
}

export function layDatagram({ socket, peer, payload }: FrameOf<'datagram'>): Uint8Array {
  const packed = peer && packEndpoint(peer);
  const header = 13 + (packed ? packed.length + 1 : 0);
  const frame = OWN_ROOM(header + payload.length);
  frame[0] = ARRAY_4;
  frame[1] = DATAGRAM;
  frame[2] = UINT_32;
  putU32(frame, 3, socket);
  frame[7] = NIL;
  if (packed) {
    frame[7] = BIN_8;
    frame[8] = packed.length;
    frame.set(packed, 9);
  }
  frame[header - 5] = BIN_32;
  putU32(frame, header - 4, payload.length);
  frame.set(payload, header);
  return frame;
}

/** Whether b[at..] looks like the start of a hand-laid DATA. */
export function isLaidData(b: Uint8Array, at: number): boolean {
  return b[at] === ARRAY_3 && b[at + 1] === DATA && b[at + 2] === UINT_32 && b[at + 7] === BIN_32;
}

/** Reads a hand-laid DATA at `at`, null when the bytes end before it does. Its payload is the last thing in it. */
export function readData(b: Uint8Array, at: number): FrameOf<'data'> | null {
  const payload = view(b, at + 8);
  return payload && { type: 'data', socket: getU32(b, at + 3), payload };
}

/** Reads a hand-laid DATAGRAM at `at`, null when it is none or the bytes end before it does. */
export function readDatagram(
  b: Uint8Array,
  at: number,
  endpoints: EndpointCache | undefined,
): FrameOf<'datagram'> | null {
  if (b[at] !== ARRAY_4 || b[at + 1] !== DATAGRAM || b[at + 2] !== UINT_32) return null;
  let next = at + 8;
  let peer: FrameOf<'datagram'>['peer'] = null;
  if (b[at + 7] === BIN_8) {
    const length = b[at + 8] ?? 0;
    next = at + 9 + length;
    if (next > b.length || (length !== 6 && length !== 18 && length !== 22)) return null;
    const packed = subarray(b, at + 9, length);
    peer = endpoints ? endpoints.unpack(packed) : unpackEndpoint(packed);
  } else if (b[at + 7] !== NIL) {
    return null;
  }
  if (b[next] !== BIN_32) return null;
  const payload = view(b, next + 1);
  return payload && { type: 'datagram', socket: getU32(b, at + 3), peer, payload };
}

/** The bytes whose u32 length stands at `at`. */
function view(b: Uint8Array, at: number): Uint8Array | null {
  if (at + 4 > b.length) return null;
  const length = getU32(b, at);
  return at + 4 + length <= b.length ? subarray(b, at + 4, length) : null;
}

/** A plain Uint8Array even where the message is a Buffer, so that programs get one kind of bytes everywhere. */
export function subarray(b: Uint8Array, at: number, length: number): Uint8Array {
  return new Uint8Array(b.buffer, b.byteOffset + at, length);
}

function getU32(b: Uint8Array, at: number): number {
  return (((b[at] ?? 0) << 24) | ((b[at + 1] ?? 0) << 16) | ((b[at + 2] ?? 0) << 8) | (b[at + 3] ?? 0)) >>> 0;
}

function putU32(b: Uint8Array, at: number, value: number): void {
  b[at] = value >>> 24;
  b[at + 1] = value >>> 16;
  b[at + 2] = value >>> 8;
  b[at + 3] = value;
}
