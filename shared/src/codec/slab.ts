/**
 * Room for small frames and messages: a buffer of its own for each would cost ten times as much as what is written
 * into it. Nothing is ever given out twice, so what is written may be kept; a buffer goes when the last view of it does.
 */

/** Up to this length buffers are shared; each has SLAB bytes. */
const SMALL = 2048;
const SLAB = 16 * 1024;

export class Slab {
  #buffer = new ArrayBuffer(0);
  #used = 0;

  take(length: number): Uint8Array {
    if (length > SMALL) return new Uint8Array(length);
    if (length > this.#buffer.byteLength - this.#used) {
      this.#buffer = new ArrayBuffer(SLAB);
      this.#used = 0;
    }
    const room = new Uint8Array(this.#buffer, this.#used, length);
    this.#used += length;
    return room;
  }
}
