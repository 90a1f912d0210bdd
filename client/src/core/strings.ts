/**
 * Byte strings, as programs see them: the three modes of `ConnectOptions.strings`. A Lua string is bytes; this is where
 * they become a JavaScript value and back, without loss. The host's UTF-8 coder is handed in: this room has none.
 */

/** UTF-8, as TextEncoder and a fatal TextDecoder that keeps byte order marks do it. */
export interface TextCoder {
  encode(text: string): Uint8Array;
  /** Throws when the bytes are not valid UTF-8. */
  decode(bytes: Uint8Array): string;
}

export interface Strings<B = unknown> {
  /** The program's value for bytes. */
  decode(bytes: Uint8Array): B;
  /** The bytes of a string that a program gave, in memory of their own; null when the mode has no such string. */
  encode(text: string): Uint8Array | null;
}

/** Bytes that are not valid UTF-8 stand as U+DC80..U+DCFF, so that nothing is lost (Python's surrogateescape). */
export function utf8Strings(coder: TextCoder): Strings<string> {
  return { decode: (bytes) => decodeUtf8(coder, bytes), encode: (text) => encodeUtf8(coder, text) };
}

export function byteStrings(coder: TextCoder): Strings<Uint8Array> {
  return {
    decode: (bytes) => (keepsLittle(bytes) ? bytes : bytes.slice()),
    encode: (text) => encodeUtf8(coder, text),
  };
}

/** Fewer bytes are copied quickly. */
export const VIEW_BYTES = 32 * 1024;
/** A view may keep so many times its bytes alive. */
const KEPT_TIMES = 4;

/**
 * Whether a program may have `bytes` as they are. A small view of a large message is copied, or it would keep all of that
 * alive. A large one is not: new memory costs a page 0.9 ms for a MiB, and was a third of what a download took there.
 */
function keepsLittle({ byteLength, buffer }: Uint8Array): boolean {
  if (byteLength === buffer.byteLength) return true;
  return byteLength >= VIEW_BYTES && byteLength * KEPT_TIMES >= buffer.byteLength;
}

/**
 * What to throw where bytes that nobody has received yet are gone: a program has transferred the buffer of a view that it
 * got, and the rest of the message with it. Better than bytes that are missing without a word.
 */
export function goneWithBuffer(): TypeError {
  return new TypeError('the next bytes went with a buffer that was transferred: transfer that of a slice()');
}

/** One character, U+0000..U+00FF, for each byte. */
export const BINARY_STRINGS: Strings<string> = {
  decode: latin1,
  encode(text) {
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0xff) return null;
      bytes[i] = code;
    }
    return bytes;
  },
};

/** Arguments to one call of String.fromCharCode: well below every engine's limit. */
const CHUNK = 8192;

function latin1(bytes: Uint8Array): string {
  if (bytes.length <= CHUNK) return String.fromCharCode.apply(null, bytes as unknown as number[]);
  let text = '';
  for (let from = 0; from < bytes.length; from += CHUNK) {
    text += String.fromCharCode.apply(null, bytes.subarray(from, from + CHUNK) as unknown as number[]);
  }
  return text;
}

const ESCAPE = 0xdc00;

function decodeUtf8(coder: TextCoder, bytes: Uint8Array): string {
  if (bytes.length === 0) return '';
  try {
    return coder.decode(bytes);
  } catch {
    let text = '';
    let valid = 0;
    for (let at = 0; at < bytes.length; ) {
      const length = sequenceLength(bytes, at);
      if (length > 0) {
        at += length;
        continue;
      }
      if (valid < at) text += coder.decode(bytes.subarray(valid, at));
      text += String.fromCharCode(ESCAPE + (bytes[at] as number));
      at += 1;
      valid = at;
    }
    return valid < bytes.length ? text + coder.decode(bytes.subarray(valid)) : text;
  }
}

/** The length of the valid UTF-8 sequence at `at`, 0 if there is none. RFC 3629, section 4. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  const second = bytes[at + 1] ?? 0;
  if (first >= 0xc2 && first <= 0xdf) return isTail(second) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const low = first === 0xe0 ? 0xa0 : 0x80;
    const high = first === 0xed ? 0x9f : 0xbf;
    return second >= low && second <= high && isTail(bytes[at + 2] ?? 0) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const low = first === 0xf0 ? 0x90 : 0x80;
    const high = first === 0xf4 ? 0x8f : 0xbf;
    const fits = second >= low && second <= high;
    return fits && isTail(bytes[at + 2] ?? 0) && isTail(bytes[at + 3] ?? 0) ? 4 : 0;
  }
  return 0;
}

function isTail(byte: number): boolean {
  return byte >= 0x80 && byte <= 0xbf;
}

/** Surrogates that are no half of a pair. */
const LONE = /\p{Surrogate}/gu;

/** ES2024, and much faster than to look for them. */
type Checked = string & { isWellFormed?(): boolean };

function encodeUtf8(coder: TextCoder, text: string): Uint8Array {
  if ((text as Checked).isWellFormed?.()) return coder.encode(text);
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const match of text.matchAll(LONE)) {
    const code = match[0].charCodeAt(0);
    // Any other lone surrogate is nothing that decoding yields; the coder writes U+FFFD for it, as everywhere.
    if (code < 0xdc80 || code > 0xdcff) continue;
    if (from < match.index) parts.push(coder.encode(text.slice(from, match.index)));
    parts.push(Uint8Array.of(code - ESCAPE));
    from = match.index + 1;
  }
  parts.push(coder.encode(text.slice(from)));
  return concatenate(parts);
}

/**
 * The pieces in one array; not copied when there is one, or when each begins where the one before it ends, as those of one
 * message do that the buffer of 8192 bytes has cut.
 */
export function concatenate(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces;
  if (first && pieces.length === 1) return first;
  let total = 0;
  let adjacent = true;
  for (const piece of pieces) {
    adjacent &&= piece.buffer === first?.buffer && piece.byteOffset === first.byteOffset + total;
    total += piece.length;
  }
  if (first && adjacent) return new Uint8Array(first.buffer, first.byteOffset, total);
  const whole = new Uint8Array(total);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** The program's value for the pieces together, none of which was empty. @throws TypeError where one is gone meanwhile. */
export function decoded<B>(strings: Strings<B>, pieces: readonly Uint8Array[]): B {
  if (pieces.some(({ length }) => length === 0)) throw goneWithBuffer();
  return strings.decode(concatenate(pieces));
}
