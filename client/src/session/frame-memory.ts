/**
 * Memory of large frames on their way to the relay: kept until they are acknowledged, then used for the next ones. Not for
 * the garbage collector's sake: what a page writes to new memory it waits for, page by page (0.9 ms for a MiB in Chromium,
 * where a copy into memory that has been written to before takes 0.03 ms). Laying the frames of an upload took half of the
 * page's busy time before.
 *
 * Nothing is used again that could still be needed: a frame that was acknowledged has reached the relay, so no WebSocket
 * holds it any more, whenever it copies what it is given.
 */
import { MAX_MESSAGE } from '@luasocket-web/shared/limits';

/** Up to this many bytes a frame gets new memory; small ones share theirs (codec/slab.ts). */
export const LARGE_BYTES = 16 * 1024;
/** Buffers that are kept for the next frames: enough for a pool of 1 MiB in frames of 64 KiB. */
const SPARE = 16;

export class FrameMemory {
  /** In use; what is never released may go all the same. */
  readonly #lent = new WeakSet<ArrayBufferLike>();
  /**
   * Not in use; the last to come is the next to go, for it is in the processor's cache. Each has room for any frame: what of it
   * is never written to takes no memory.
   */
  #spare: ArrayBuffer[] = [];
  /** Nothing was taken since `calm` was called last. */
  #quiet = true;

  /** Memory for a frame of `bytes` bytes, at most MAX_MESSAGE, whose contents are anything. */
  take(bytes: number): Uint8Array<ArrayBuffer> {
    if (bytes <= LARGE_BYTES) return new Uint8Array(bytes);
    this.#quiet = false;
    const buffer = this.#spare.pop() ?? new ArrayBuffer(MAX_MESSAGE);
    this.#lent.add(buffer);
    return new Uint8Array(buffer, 0, bytes);
  }

  /** Nobody needs `frame` any more. One that is not of this memory is nobody's business here. */
  release({ buffer }: Uint8Array): void {
    if (this.#lent.delete(buffer) && this.#spare.length < SPARE) this.#spare.push(buffer as ArrayBuffer);
  }

  /** To be called now and then: between two calls without a `take` all that is not in use goes. */
  calm(): void {
    if (this.#quiet) this.#spare = [];
    this.#quiet = true;
  }
}
