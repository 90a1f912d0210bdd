/**
 * The eight filters of `mime.core`: mime.c. Each takes a chunk and what the last call left over, and answers the converted
 * chunk and what is left over now, so that a text may come in pieces of any size. Knows bytes, and no Lua.
 */
import { toInt, toSize } from '../core/lua.ts';

/** A chunk; null at the end of the input. */
export type Chunk = Uint8Array | null;

/** What came of the first two arguments, and the bytes that could not be converted yet. */
export type Converted = [converted: Chunk, rest: Chunk];

/** What came of a chunk, and the context for the next call. */
export type Continued = [converted: Chunk, context: number];

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const DOT = 46;
const EQUALS = 61;
const CRLF = ascii('\r\n');
const SOFT_BREAK = ascii('=\r\n');

const BASE64 = ascii('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const HEX = ascii('0123456789ABCDEF');
/** No digit of the alphabet. */
const INVALID = 255;
const UNBASE64 = inverse([...BASE64].map((byte, value) => [byte, value]));
UNBASE64[EQUALS] = 0;
const UNHEX = inverse([
  ...[...HEX].map((byte, value): [number, number] => [byte, value]),
  ...[...ascii('abcdef')].map((byte, index): [number, number] => [byte, 10 + index]),
]);

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function inverse(pairs: readonly (readonly [byte: number, value: number])[]): Uint8Array {
  const table = new Uint8Array(256).fill(INVALID);
  for (const [byte, value] of pairs) table[byte] = value;
  return table;
}

/** luaL_Buffer. */
class Output {
  #bytes: Uint8Array;
  #size = 0;

  constructor(expected: number) {
    this.#bytes = new Uint8Array(expected + 16);
  }

  add(byte: number): void {
    if (this.#size === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#size++] = byte;
  }

  append(bytes: Uint8Array): void {
    if (this.#size + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#size);
    this.#size += bytes.length;
  }

  result(): Uint8Array {
    return this.#bytes.subarray(0, this.#size);
  }

  #grow(needed: number): void {
    const larger = new Uint8Array(this.#bytes.length * 2 + needed);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** The bytes that wait for others before they can be converted: at most three. */
class Atom {
  readonly bytes = new Uint8Array(4);
  size = 0;

  push(byte: number): void {
    this.bytes[this.size++] = byte;
  }

  at(index: number): number {
    return this.bytes[index] ?? 0;
  }

  shift(): void {
    this.bytes[0] = this.at(1);
    this.bytes[1] = this.at(2);
    this.size -= 1;
  }

  rest(): Uint8Array {
    return this.bytes.slice(0, this.size);
  }
}

type Step = (byte: number, atom: Atom, out: Output) => void;

/** What the first four filters have in common; `finish` is for the end of the input, where `second` is null. */
function convert(
  first: Chunk,
  second: Chunk,
  growth: number,
  step: Step,
  finish: (atom: Atom, out: Output) => void,
  isNothing: (converted: Uint8Array) => boolean,
): Converted {
  if (first === null) return [null, null];
  const out = new Output(Math.ceil((first.length + (second?.length ?? 0)) * growth));
  const atom = new Atom();
  for (const byte of first) step(byte, atom, out);
  if (second === null) {
    finish(atom, out);
    const converted = out.result();
    return [isNothing(converted) ? null : converted, null];
  }
  for (const byte of second) step(byte, atom, out);
  return [out.result(), atom.rest()];
}

const isEmpty = (converted: Uint8Array) => converted.length === 0;
/** `!*lua_tostring(L, -1)`: a result that begins with NUL counts as empty. */
const isEmptyText = (converted: Uint8Array) => (converted[0] ?? 0) === 0;
const nothing = () => undefined;

/** b64(first, second): RFC 2045, section 6.8. */
export function b64(first: Chunk, second: Chunk): Converted {
  return convert(first, second, 4 / 3, encode64, pad64, isEmpty);
}

function encode64(byte: number, atom: Atom, out: Output): void {
  atom.push(byte);
  if (atom.size < 3) return;
  const value = (atom.at(0) << 16) | (atom.at(1) << 8) | atom.at(2);
  out.add(BASE64[value >> 18] ?? 0);
  out.add(BASE64[(value >> 12) & 63] ?? 0);
  out.add(BASE64[(value >> 6) & 63] ?? 0);
  out.add(BASE64[value & 63] ?? 0);
  atom.size = 0;
}

function pad64(atom: Atom, out: Output): void {
  if (atom.size === 0) return;
  const value = (atom.at(0) << 16) | (atom.size === 2 ? atom.at(1) << 8 : 0);
  out.add(BASE64[value >> 18] ?? 0);
  out.add(BASE64[(value >> 12) & 63] ?? 0);
  out.add(atom.size === 2 ? (BASE64[(value >> 6) & 63] ?? 0) : EQUALS);
  out.add(EQUALS);
}

/** unb64(first, second): bytes outside the alphabet are passed over. */
export function unb64(first: Chunk, second: Chunk): Converted {
  return convert(first, second, 3 / 4, decode64, nothing, isEmpty);
}

function decode64(byte: number, atom: Atom, out: Output): void {
  if (UNBASE64[byte] === INVALID) return;
  atom.push(byte);
  if (atom.size < 4) return;
  let value = 0;
  for (let i = 0; i < 4; i++) value = (value << 6) | (UNBASE64[atom.at(i)] ?? 0);
  const valid = atom.at(2) === EQUALS ? 1 : atom.at(3) === EQUALS ? 2 : 3;
  for (let i = 0; i < valid; i++) out.add((value >> (16 - 8 * i)) & 255);
  atom.size = 0;
}

/** What quoted-printable makes of a byte. RFC 2045, section 6.7. */
const PLAIN = 0;
const QUOTED = 1;
const IF_LAST = 2;
const MAYBE_CRLF = 3;
const QP_CLASSES = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === CR) return MAYBE_CRLF;
  if (byte === TAB || byte === SPACE) return IF_LAST;
  return byte > SPACE && byte < 127 && byte !== EQUALS ? PLAIN : QUOTED;
});

/** qp(first, second, marker): `marker` stands for each CRLF of the text. */
export function qp(first: Chunk, second: Chunk, marker: Uint8Array = CRLF): Converted {
  const step: Step = (byte, atom, out) => encodeQp(byte, atom, out, marker);
  return convert(first, second, 1.5, step, padQp, isEmptyText);
}

function encodeQp(byte: number, atom: Atom, out: Output, marker: Uint8Array): void {
  // Most bytes of most texts.
  if (atom.size === 0 && QP_CLASSES[byte] === PLAIN) {
    out.add(byte);
    return;
  }
  atom.push(byte);
  while (atom.size > 0) {
    const head = atom.at(0);
    switch (QP_CLASSES[head]) {
      case MAYBE_CRLF:
        if (atom.size < 2) return;
        if (atom.at(1) === LF) {
          out.append(marker);
          atom.size = 0;
          return;
        }
        quote(head, out);
        break;
      case IF_LAST:
        if (atom.size < 3) return;
        if (atom.at(1) === CR && atom.at(2) === LF) {
          quote(head, out);
          out.append(marker);
          atom.size = 0;
          return;
        }
        out.add(head);
        break;
      case QUOTED:
        quote(head, out);
        break;
      default:
        out.add(head);
    }
    atom.shift();
  }
}

function padQp(atom: Atom, out: Output): void {
  for (const byte of atom.rest()) {
    if (QP_CLASSES[byte] === PLAIN) out.add(byte);
    else quote(byte, out);
  }
  if (atom.size > 0) out.append(SOFT_BREAK);
}

function quote(byte: number, out: Output): void {
  out.add(EQUALS);
  out.add(HEX[byte >> 4] ?? 0);
  out.add(HEX[byte & 15] ?? 0);
}

/** unqp(first, second): control characters that should have been quoted are dropped, wrong quotes left as they are. */
export function unqp(first: Chunk, second: Chunk): Converted {
  return convert(first, second, 1, decodeQp, nothing, isEmptyText);
}

function decodeQp(byte: number, atom: Atom, out: Output): void {
  atom.push(byte);
  const head = atom.at(0);
  if (head === EQUALS) {
    if (atom.size < 3) return;
    if (atom.at(1) !== CR || atom.at(2) !== LF) {
      const high = UNHEX[atom.at(1)] ?? INVALID;
      const low = UNHEX[atom.at(2)] ?? INVALID;
      if (high === INVALID || low === INVALID) out.append(atom.rest());
      else out.add((high << 4) | low);
    }
  } else if (head === CR) {
    if (atom.size < 2) return;
    if (atom.at(1) === LF) out.append(CRLF);
  } else if (head === TAB || (head >= SPACE && head < 127)) {
    out.add(head);
  }
  atom.size = 0;
}

/** wrp(left, chunk, length): lines of at most `length` bytes, of which the first has room for `left` more. */
export function wrp(left: number, chunk: Chunk, length = 76): Continued {
  return wrapped(toInt(left), chunk, toInt(length), CRLF, () => 0);
}

/** qpwrp(left, chunk, length): as wrp, with soft line breaks, and none inside of `=XX`. */
export function qpwrp(left: number, chunk: Chunk, length = 76): Continued {
  return wrapped(toInt(left), chunk, toInt(length), SOFT_BREAK, (byte) => (byte === EQUALS ? 3 : 1));
}

/** `reserve`: a break comes before a byte for which no more than this is left. */
function wrapped(
  first: number,
  chunk: Chunk,
  length: number,
  mark: Uint8Array,
  reserve: (byte: number) => number,
): Continued {
  if (chunk === null) return [first < length ? mark : null, length];
  const out = new Output(Math.ceil(chunk.length * 1.1));
  let left = first;
  for (const byte of chunk) {
    if (byte === CR) continue;
    if (byte === LF) {
      out.append(CRLF);
      left = length;
      continue;
    }
    if (left <= reserve(byte)) {
      out.append(mark);
      left = length;
    }
    out.add(byte);
    left -= 1;
  }
  return [out.result(), left];
}

/** eol(context, chunk, marker): CR, LF, CRLF and LFCR become `marker` alike; the context is an end of line that may go on. */
export function eol(context: number, chunk: Chunk, marker: Uint8Array = CRLF): Continued {
  if (chunk === null) return [null, 0];
  const out = new Output(Math.ceil(chunk.length * 1.1));
  let last = toInt(context);
  for (const byte of chunk) {
    if (byte !== CR && byte !== LF) {
      out.add(byte);
      last = 0;
    } else if (last === CR || last === LF) {
      if (byte === last) out.append(marker);
      last = 0;
    } else {
      out.append(marker);
      last = byte;
    }
  }
  return [out.result(), last];
}

/** dot(state, chunk): doubles a dot that begins a line. RFC 5321, section 4.5.2. */
export function dot(state: number, chunk: Chunk): Continued {
  if (chunk === null) return [null, 2];
  const out = new Output(Math.ceil(chunk.length * 1.1));
  let seen = toSize(state);
  for (const byte of chunk) {
    out.add(byte);
    if (byte === CR) seen = 1;
    else if (byte === LF) seen = seen === 1 ? 2 : 0;
    else {
      if (byte === DOT && seen === 2) out.add(DOT);
      seen = 0;
    }
  }
  return [out.result(), seen];
}
