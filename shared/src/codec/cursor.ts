/**
 * Reads msgpack values of known type from a message, bounded by construction: nothing is allocated for a declared
 * length before its bytes are there, nesting is limited, and extension types do not exist. msgpackr's own reader
 * would have to be guarded against all three, and decodes broken UTF-8 differently in Node and browsers.
 */
import { ProtocolError } from '../errors.ts';
import type { Scalar, Value } from '../frames.ts';
import { MAX_TEXT } from '../limits.ts';
import { subarray } from './data.ts';
import { decodeUtf8 } from './utf8.ts';

/** Arrays and maps of a `value` may be nested this deep. */
export const MAX_DEPTH = 4;

export function malformed(what: string): ProtocolError {
  return new ProtocolError('malformed', what);
}

export class Cursor {
  readonly bytes: Uint8Array;
  /** The next byte to be read. */
  at = 0;
  #view: DataView | null = null;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  /** Takes a nil if one is next. */
  nil(): boolean {
    if (this.bytes[this.at] !== 0xc0) return false;
    this.at++;
    return true;
  }

  /** Whether an array is next. */
  get atArray(): boolean {
    const token = this.bytes[this.at] ?? 0;
    return (token & 0xf0) === 0x90 || token === 0xdc || token === 0xdd;
  }

  /** The number of elements of the array that begins here; no more than there are bytes left. */
  array(): number {
    const token = this.#token();
    const count =
      (token & 0xf0) === 0x90
        ? token & 0x0f
        : token === 0xdc
          ? this.#unsigned(2)
          : token === 0xdd
            ? this.#unsigned(4)
            : -1;
    return this.#checkCount(count, 'array');
  }

  /** An integer of any form, within ±(2^53 - 1). */
  integer(): number {
    return this.#integer(this.#token());
  }

  /** An integer or a float. */
  number(): number {
    const token = this.#token();
    return token === 0xca || token === 0xcb ? this.#float(token) : this.#integer(token);
  }

  bool(): boolean {
    const token = this.#token();
    if (token !== 0xc2 && token !== 0xc3) throw malformed(`expected a bool, found ${hex(token)}`);
    return token === 0xc3;
  }

  text(): string {
    return this.#text(this.#token());
  }

  /** A view into the message. */
  binary(): Uint8Array {
    return this.#binary(this.#token());
  }

  /** nil, bool, int, float or str. */
  scalar(): Scalar {
    const token = this.#token();
    switch (token) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xca:
      case 0xcb:
        return this.#float(token);
      default:
        return isText(token) ? this.#text(token) : this.#integer(token);
    }
  }

  /** A scalar, bytes, an array or a map, nested at most `depth` deep. */
  value(depth: number): Value {
    const token = this.bytes[this.at] ?? 0;
    if (token >= 0xc4 && token <= 0xc6) return this.binary();
    if (this.atArray) {
      if (depth === 0) throw malformed('a value nested too deep');
      const items: Value[] = [];
      for (let left = this.array(); left > 0; left--) items.push(this.value(depth - 1));
      return items;
    }
    return this.map(() => this.value(depth - 1), depth > 0) ?? this.scalar();
  }

  /** A map of text to what `read` reads, each key once; null when no map is next. */
  map<T>(read: () => T, allowed = true): { readonly [key: string]: T } | null {
    const token = this.bytes[this.at] ?? 0;
    if ((token & 0xf0) !== 0x80 && token !== 0xde && token !== 0xdf) return null;
    if (!allowed) throw malformed('a value nested too deep');
    this.at++;
    const count = (token & 0xf0) === 0x80 ? token & 0x0f : this.#unsigned(token === 0xde ? 2 : 4);
    const entries = new Map<string, T>();
    for (let left = this.#checkCount(count, 'map'); left > 0; left--) {
      const key = this.text();
      if (entries.has(key)) throw malformed(`a map with two of ${key.slice(0, 40)}`);
      entries.set(key, read());
    }
    // Makes own properties even of `__proto__`.
    return Object.fromEntries(entries);
  }

  #token(): number {
    const token = this.bytes[this.at++];
    if (token === undefined) throw malformed('a frame cut short');
    return token;
  }

  /** Moves past `length` bytes and answers where they begin. */
  #skip(length: number): number {
    const from = this.at;
    if (length > this.bytes.length - from) throw malformed('a frame cut short');
    this.at = from + length;
    return from;
  }

  /** Each element takes a byte at least, so a count beyond the bytes left is a lie. */
  #checkCount(count: number, what: string): number {
    if (count < 0) throw malformed(`expected an ${what}`);
    if (count > this.bytes.length - this.at) throw malformed(`${what} of ${count} elements, cut short`);
    return count;
  }

  /** A big-endian unsigned integer of 1, 2 or 4 bytes. */
  #unsigned(length: 1 | 2 | 4): number {
    let at = this.#skip(length);
    let value = 0;
    while (at < this.at) value = value * 256 + (this.bytes[at++] ?? 0);
    return value;
  }

  #dataView(): DataView {
    this.#view ??= new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    return this.#view;
  }

  #integer(token: number): number {
    if (token < 0x80) return token;
    if (token >= 0xe0) return token - 0x100;
    switch (token) {
      case 0xcc:
        return this.#unsigned(1);
      case 0xcd:
        return this.#unsigned(2);
      case 0xce:
        return this.#unsigned(4);
      case 0xcf:
        return this.#safe(this.#dataView().getBigUint64(this.#skip(8)));
      case 0xd0:
        return (this.#unsigned(1) << 24) >> 24;
      case 0xd1:
        return (this.#unsigned(2) << 16) >> 16;
      case 0xd2:
        return this.#unsigned(4) | 0;
      case 0xd3:
        return this.#safe(this.#dataView().getBigInt64(this.#skip(8)));
      default:
        throw malformed(`expected an integer, found ${hex(token)}`);
    }
  }

  #safe(value: bigint): number {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw malformed('an integer beyond 2^53 - 1');
    return number;
  }

  #float(token: number): number {
    const value =
      token === 0xca ? this.#dataView().getFloat32(this.#skip(4)) : this.#dataView().getFloat64(this.#skip(8));
    if (Number.isNaN(value)) throw malformed('a number that is none');
    return value;
  }

  #text(token: number): string {
    const length =
      (token & 0xe0) === 0xa0
        ? token & 0x1f
        : token === 0xd9
          ? this.#unsigned(1)
          : token === 0xda
            ? this.#unsigned(2)
            : token === 0xdb
              ? this.#unsigned(4)
              : -1;
    if (length < 0) throw malformed(`expected text, found ${hex(token)}`);
    if (length > MAX_TEXT) throw new ProtocolError('too_large', `a text of ${length} bytes`);
    const from = this.#skip(length);
    const text = decodeUtf8(this.bytes, from, from + length);
    if (text === null) throw malformed('a text that is no UTF-8');
    return text;
  }

  #binary(token: number): Uint8Array {
    const length =
      token === 0xc4 ? this.#unsigned(1) : token === 0xc5 ? this.#unsigned(2) : token === 0xc6 ? this.#unsigned(4) : -1;
    if (length < 0) throw malformed(`expected bytes, found ${hex(token)}`);
    return subarray(this.bytes, this.#skip(length), length);
  }
}

function isText(token: number): boolean {
  return (token & 0xe0) === 0xa0 || (token >= 0xd9 && token <= 0xdb);
}

function hex(token: number): string {
  return `0x${token.toString(16).padStart(2, '0')}`;
}
