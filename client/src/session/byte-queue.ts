/** The bytes of a stream that have come and have not been taken: chunks as they came, never copied or moved. */
import { goneWithBuffer } from '../core/strings.ts';

/** Taken chunks at the front before the rest is moved up, so that moving costs little per chunk. */
const COMPACT_CHUNKS = 256;

export class ByteQueue {
  #chunks: (Uint8Array | null)[] = [];
  #head = 0;
  /** Bytes of the first chunk that are taken. */
  #offset = 0;
  #length = 0;

  /** Bytes in the queue. */
  get length(): number {
    return this.#length;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /**
   * A view of the next 1..max bytes, all of one chunk; null when the queue is empty. `max` is at least 1.
   * @throws TypeError when they are gone (see goneWithBuffer).
   */
  take(max: number): Uint8Array | null {
    const chunk = this.#chunks[this.#head];
    if (!chunk) return null;
    const left = chunk.length - this.#offset;
    if (left <= 0) throw goneWithBuffer();
    if (max < left) {
      const view = chunk.subarray(this.#offset, this.#offset + max);
      this.#offset += max;
      this.#length -= max;
      return view;
    }
    const view = this.#offset === 0 ? chunk : chunk.subarray(this.#offset);
    this.#chunks[this.#head++] = null;
    this.#offset = 0;
    this.#length -= left;
    if (this.#head === this.#chunks.length) this.clear();
    else if (this.#head >= COMPACT_CHUNKS && this.#head * 2 >= this.#chunks.length) {
      this.#chunks = this.#chunks.slice(this.#head);
      this.#head = 0;
    }
    return view;
  }

  clear(): void {
    this.#chunks = [];
    this.#head = 0;
    this.#offset = 0;
    this.#length = 0;
  }
}
