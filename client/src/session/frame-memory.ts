/**
 * Memory of large frames on their way to the relay: kept until they are acknowledged, then used for the next ones. Not for
 * the garbage collector's sake: what a page writes to new memory it waits for, page by page (0.9 ms for a MiB in Chromium,
 * where a copy to memory that the processor has in its cache takes 0.03 ms). Laying the frames of an upload took two fifths of
 * the page's busy time before, and a sixth since then.
 *
 * Nothing is used again that could still be needed: a frame that was acknowledged has reached the relay, so no WebSocket
 * holds it any more, whenever it copies what it is given.
 */

/** Up to this many bytes a frame gets new memory; small ones share theirs (codec/slab.ts). */
export const LARGE_BYTES = 16 * 1024;
/** Sizes are multiples of this, so that one fits the next. */
const STEP_BYTES = 16 * 1024;
/** Bytes that are kept for the next frames: more than a pool has at first. */
const SPARE_BYTES = 2 * 1024 * 1024;

export class FrameMemory {
  /** In use; what is never released may go all the same. */
  readonly #lent = new WeakSet<ArrayBufferLike>();
  /** Not in use, by size; the last to come is the next to go, for it is in the processor's cache. */
  readonly #spare = new Map<number, ArrayBuffer[]>();
  #spareBytes = 0;
  /** Nothing was taken since `calm` was called last. */
  #quiet = true;

  /** Memory for a frame of `bytes` bytes, whose contents are anything. */
  take(bytes: number): Uint8Array<ArrayBuffer> {
    if (bytes <= LARGE_BYTES) return new Uint8Array(bytes);
    this.#quiet = false;
    const size = Math.ceil(bytes / STEP_BYTES) * STEP_BYTES;
    let buffer = this.#spare.get(size)?.pop();
    if (buffer) this.#spareBytes -= size;
    else buffer = new ArrayBuffer(size);
    this.#lent.add(buffer);
    return new Uint8Array(buffer, 0, bytes);
  }

  /** Nobody needs `frame` any more. One that is not of this memory is nobody's business here. */
  release({ buffer }: Uint8Array): void {
    if (!this.#lent.delete(buffer)) return;
    const size = buffer.byteLength;
    const same = this.#spare.get(size) ?? [];
    if (this.#spareBytes + size > SPARE_BYTES) {
      // Enough; but not of sizes that are needed no more.
      if (same.length > 0) return;
      this.#drop();
    }
    same.push(buffer as ArrayBuffer);
    this.#spare.set(size, same);
    this.#spareBytes += size;
  }

  /** To be called now and then: between two calls without a `take` all that is not in use goes. */
  calm(): void {
    if (this.#quiet) this.#drop();
    this.#quiet = true;
  }

  #drop(): void {
    this.#spare.clear();
    this.#spareBytes = 0;
  }
}
