/**
 * The way in from one client: bytes of the WebSocket's connection to messages (RFC 6455, section 5.2). Control frames go
 * to `ws`, whole and untouched: closing and keeping alive stay its business.
 *
 * `ws` would read 64 KiB at a time, each into new memory, and copy a message that is longer, or sent in fragments as
 * Chromium sends what has more than 64 KiB, into more of it; a third of what an upload cost the relay was that, and collecting it.
 * Here a quiet connection reads into memory that all share, and its messages are copied out of it. A busy one reads into
 * a chunk of its own, in which messages are unmasked and stay; it is filled again from the front when nobody needs
 * them any more. In one interleaved run relay CPU of an upload fell from 0.80 to 0.54 s/GiB, that of a round trip by a tenth.
 */
import { MAX_MESSAGE } from '@luasocket-web/shared/limits';
import { mask, unmask } from 'bufferutil';
import { FINAL, LENGTH_16, LENGTH_64, MASKED, MAX_CONTROL, OPCODE, RESERVED } from './rfc6455.ts';

/** A read of so many bytes makes a connection busy; two reads in a row below it make it quiet again. */
const BUSY_BYTES = 32 * 1024;
/** What a busy connection reads into: twice the longest message, so that only the start of one is ever moved. */
const CHUNK_BYTES = 512 * 1024;
/** With less room than this behind messages that are still needed, the next read goes to another chunk. */
const LEAST_BYTES = 128 * 1024;
/** Room for a part of a frame, at first. */
const FIRST_BYTES = 8 * 1024;
const LONGEST_HEADER = 14;
/** Below it a loop is faster than a call into C, and the views that it takes. */
const SHORT_MASK = 128;
const MASK_BYTES = 4;

export interface IncomingEvents {
  /** A message. Answers whether nobody needs its memory any more; else it is the receiver's for good. */
  message(message: Uint8Array): boolean;
  /** A control frame, for `ws`, which may keep it: the payload of a PONG waits where the client does not read. */
  control(frame: Buffer): void;
  /** The client broke WebSocket; nothing that it sends is looked at any more. */
  failed(fault: 'malformed' | 'too_large', message: string): void;
}

/** A frame's header. */
interface Header {
  readonly opcode: number;
  readonly final: boolean;
  /** Bytes of the header and of the payload. */
  readonly bytes: number;
  readonly length: number;
}

export class Incoming {
  readonly #shared: Buffer;
  readonly #events: IncomingEvents;
  /** What is read into. */
  #memory: Buffer;
  /** What came and was not looked at is between the two. */
  #start = 0;
  #end = 0;
  /** The fragments of a message so far, put together: where they begin in the memory, and their length. -1: none came. */
  #messageAt = -1;
  #messageBytes = 0;
  /** Bytes of the frame of which only a part has come, its header included. */
  #wanted = LONGEST_HEADER;
  /** A message in this chunk is still needed. */
  #kept = false;
  #calm = 0;
  #over = false;

  /** `shared`: memory that nobody else uses between a read and what is made of it. */
  constructor(shared: Buffer, events: IncomingEvents) {
    this.#shared = shared;
    this.#memory = shared;
    this.#events = events;
  }

  /** Where the next read goes. */
  next(): Uint8Array {
    return this.#end === 0 ? this.#memory : this.#memory.subarray(this.#end);
  }

  /** A read has put `bytes` bytes there. */
  read(bytes: number): void {
    if (this.#over) return;
    this.#end += bytes;
    this.#parse();
    if (this.#over) this.#forget();
    else this.#settle(bytes);
  }

  // Methods, not private accessors: V8 calls its runtime for each of those.
  #isShared(): boolean {
    return this.#memory === this.#shared;
  }

  /** Where that begins which is still needed of what is not a message yet. */
  #from(): number {
    return this.#messageAt < 0 ? this.#start : this.#messageAt;
  }

  #parse(): void {
    while (!this.#over && this.#start < this.#end) {
      const header = this.#header();
      this.#wanted = header ? header.bytes + header.length : LONGEST_HEADER;
      if (header === null || this.#start + this.#wanted > this.#end) return;
      const from = this.#start + header.bytes;
      if (header.opcode >= OPCODE.close) {
        this.#over = header.opcode === OPCODE.close;
        this.#events.control(Buffer.from(this.#memory.subarray(this.#start, from + header.length)));
        this.#start = from + header.length;
      } else {
        this.#start = from + header.length;
        this.#fragment(from, header);
      }
    }
    this.#wanted = LONGEST_HEADER;
  }

  /** The next frame's header; null when not all of it has come, or it breaks the rules. */
  #header(): Header | null {
    const memory = this.#memory;
    const at = this.#start;
    const come = this.#end - at;
    if (come < 2) return null;
    const first = memory[at] as number;
    const second = memory[at + 1] as number;
    const opcode = first & 0x0f;
    const final = (first & FINAL) !== 0;
    let length = second & 0x7f;
    if ((first & RESERVED) !== 0) return this.#fail('a WebSocket frame with reserved bits');
    if ((second & MASKED) === 0) return this.#fail('a WebSocket frame without a mask');
    if (opcode === OPCODE.text) return this.#fail('a text message');
    if (opcode > OPCODE.pong || (opcode > OPCODE.binary && opcode < OPCODE.close))
      return this.#fail('an unknown WebSocket frame');
    if (opcode >= OPCODE.close && (!final || length > MAX_CONTROL))
      return this.#fail('a control frame that is too long');
    if (opcode === OPCODE.continuation && this.#messageAt < 0) return this.#fail('a continuation of no message');
    if (opcode === OPCODE.binary && this.#messageAt >= 0) return this.#fail('a message within another');
    let bytes = 2 + MASK_BYTES;
    if (length === LENGTH_16) {
      bytes += 2;
      if (come < bytes) return null;
      length = memory.readUInt16BE(at + 2);
    } else if (length === LENGTH_64) {
      bytes += 8;
      if (come < bytes) return null;
      length = memory.readUInt32BE(at + 2) * 2 ** 32 + memory.readUInt32BE(at + 6);
    } else if (come < bytes) return null;
    if (opcode < OPCODE.close && this.#messageBytes + length > MAX_MESSAGE) {
      return this.#fail('the message is too large', 'too_large');
    }
    return { opcode, final, bytes, length };
  }

  #fail(message: string, fault: 'malformed' | 'too_large' = 'malformed'): null {
    this.#over = true;
    this.#events.failed(fault, message);
    return null;
  }

  /** A fragment of a message, or all of it, whose payload begins at `from`. */
  #fragment(from: number, { final, length }: Header): void {
    if (final && this.#messageAt < 0 && this.#isShared()) {
      this.#events.message(unmaskedCopy(this.#memory, from, length));
      return;
    }
    unmaskInPlace(this.#memory, from, length);
    if (this.#messageAt < 0) this.#messageAt = from;
    else this.#memory.copyWithin(this.#messageAt + this.#messageBytes, from, from + length);
    this.#messageBytes += length;
    if (!final) return;
    const message = this.#memory.subarray(this.#messageAt, this.#messageAt + this.#messageBytes);
    this.#messageAt = -1;
    this.#messageBytes = 0;
    if (this.#isShared()) this.#events.message(Buffer.from(message));
    else if (!this.#events.message(message)) this.#kept = true;
  }

  /** Makes room for the next read, after one of `bytes` bytes. */
  #settle(bytes: number): void {
    const quiet = bytes < BUSY_BYTES;
    this.#calm = quiet ? this.#calm + 1 : 0;
    this.#close();
    if (this.#from() < this.#end) this.#enlarge(quiet);
    else if (this.#isShared() ? quiet : this.#calm > 1) this.#forget();
    else if (this.#isShared() || (this.#kept && this.#memory.length - this.#end < LEAST_BYTES)) {
      this.#moveTo(Buffer.allocUnsafeSlow(CHUNK_BYTES));
    } else if (!this.#kept) this.#rewind();
  }

  /** Closes the gap that the headers of fragments leave. */
  #close(): void {
    if (this.#messageAt < 0) return;
    const to = this.#messageAt + this.#messageBytes;
    if (to === this.#start) return;
    this.#memory.copyWithin(to, this.#start, this.#end);
    this.#end -= this.#start - to;
    this.#start = to;
  }

  /**
   * Room for the frame of which only a part has come. For a quiet client it grows with what comes and not with what is
   * said to come, and doubles at least, so that crumbs are not copied again and again; for a busy one there is a chunk at once.
   */
  #enlarge(quiet: boolean): void {
    const has = this.#end - this.#from();
    const wanted = this.#messageBytes + this.#wanted;
    const least = quiet ? Math.min(wanted, 2 * has) : wanted;
    const isOwn = !this.#isShared();
    if (isOwn && this.#memory.length - this.#from() >= least) return;
    const size = quiet ? Math.max(FIRST_BYTES, 2 * has, Math.min(wanted, 4 * has)) : CHUNK_BYTES;
    const again = isOwn && !this.#kept && this.#memory.length >= size;
    this.#moveTo(again ? this.#memory : Buffer.allocUnsafeSlow(size));
  }

  /** Puts what is still needed at the front of `memory`. */
  #moveTo(memory: Buffer): void {
    const from = this.#from();
    this.#memory.copy(memory, 0, from, this.#end);
    this.#memory = memory;
    this.#start -= from;
    this.#end -= from;
    if (this.#messageAt >= 0) this.#messageAt = 0;
    this.#kept = false;
  }

  #forget(): void {
    this.#memory = this.#shared;
    this.#kept = false;
    this.#rewind();
  }

  #rewind(): void {
    this.#start = this.#end = 0;
    // Of a message that has begun, but with nothing.
    if (this.#messageAt > 0) this.#messageAt = 0;
  }
}

/** Unmasks the payload at `from` with the mask before it (RFC 6455, section 5.3). */
function unmaskInPlace(memory: Buffer, from: number, length: number): void {
  const at = from - MASK_BYTES;
  if (length >= SHORT_MASK) unmask(memory.subarray(from, from + length), memory.subarray(at, from));
  else for (let i = 0; i < length; i++) (memory[from + i] as number) ^= memory[at + (i & 3)] as number;
}

/** The same, into memory of its own. */
function unmaskedCopy(memory: Buffer, from: number, length: number): Buffer {
  const at = from - MASK_BYTES;
  const copy = Buffer.allocUnsafe(length);
  if (length >= SHORT_MASK) mask(memory.subarray(from, from + length), memory.subarray(at, from), copy, 0, length);
  else for (let i = 0; i < length; i++) copy[i] = (memory[from + i] as number) ^ (memory[at + (i & 3)] as number);
  return copy;
}
