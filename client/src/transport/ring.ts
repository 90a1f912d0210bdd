/**
 * Records of bytes from one thread to another through shared memory, in order: a ring with one writer and one reader.
 * It never waits: a writer that finds no room and a reader that finds nothing are told so, and wait as they like.
 *
 * The memory: how far the reader is and how far the writer is, as bytes since the start modulo 2^32, then the ring.
 * A record is a header (length, and its kind in the highest byte) and its bytes, filled up to a multiple of 4, so
 * that a header never lies across the end of the ring; bytes may.
 */

/** Index of the reader's and of the writer's position, as 32-bit words. */
const READ = 0;
const WRITTEN = 1;
/** Bytes before the ring; the positions and the records lie in different cache lines. */
const PREFIX = 64;
const HEADER = 4;
const KIND_SHIFT = 24;
const LENGTH_MASK = 0xff_ffff;

/** Shared memory for a ring of `capacity` bytes, a power of two from 8 to 2^24. */
export function ringMemory(capacity: number): SharedArrayBuffer {
  if (capacity < 8 || capacity > LENGTH_MASK + 1 || (capacity & (capacity - 1)) !== 0) {
    throw new RangeError(`a ring of ${capacity} bytes`);
  }
  return new SharedArrayBuffer(PREFIX + capacity);
}

class Ring {
  protected readonly words: Int32Array;
  protected readonly bytes: Uint8Array;
  readonly capacity: number;

  constructor(memory: SharedArrayBuffer) {
    this.capacity = memory.byteLength - PREFIX;
    this.words = new Int32Array(memory);
    this.bytes = new Uint8Array(memory, PREFIX);
  }

  protected offset(position: number): number {
    return position & (this.capacity - 1);
  }

  protected header(position: number): number {
    return (PREFIX + this.offset(position)) >> 2;
  }
}

export class RingWriter extends Ring {
  /**
   * Puts a record in; false, and nothing has happened, when there is no room for all of it now.
   * @param kind 0 to 255.
   * @throws RangeError when it is larger than the ring, and so would never go in.
   */
  write(kind: number, record: Uint8Array): boolean {
    const { length } = record;
    const size = HEADER + aligned(length);
    if (size > this.capacity) throw new RangeError(`a record of ${length} bytes in a ring of ${this.capacity}`);
    // Nobody else moves this position.
    const written = Atomics.load(this.words, WRITTEN);
    const used = (written - Atomics.load(this.words, READ)) >>> 0;
    if (size > this.capacity - used) return false;
    this.words[this.header(written)] = (kind << KIND_SHIFT) | length;
    const at = this.offset(written + HEADER);
    const straight = Math.min(length, this.capacity - at);
    if (straight === length) {
      this.bytes.set(record, at);
    } else {
      this.bytes.set(record.subarray(0, straight), at);
      this.bytes.set(record.subarray(straight), 0);
    }
    Atomics.store(this.words, WRITTEN, (written + size) | 0);
    return true;
  }
}

/** A record as it came out: bytes of its own, in memory that is not shared. */
export interface RingRecord {
  readonly kind: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export class RingReader extends Ring {
  /** Takes the next record out; null when there is none. `room`: makes the memory that one of a kind gets. */
  read(room = (bytes: number, _kind: number) => new Uint8Array(bytes)): RingRecord | null {
    const read = Atomics.load(this.words, READ);
    const used = (Atomics.load(this.words, WRITTEN) - read) >>> 0;
    if (used === 0) return null;
    const header = this.words[this.header(read)] ?? 0;
    const length = header & LENGTH_MASK;
    const size = HEADER + aligned(length);
    if (size > used) throw new Error(`the ring holds ${used} bytes, and a record of ${size}`);
    const kind = header >>> KIND_SHIFT;
    const bytes = room(length, kind);
    const at = this.offset(read + HEADER);
    const straight = Math.min(length, this.capacity - at);
    bytes.set(this.bytes.subarray(at, at + straight));
    if (straight < length) bytes.set(this.bytes.subarray(0, length - straight), straight);
    Atomics.store(this.words, READ, (read + size) | 0);
    return { kind, bytes };
  }
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}
