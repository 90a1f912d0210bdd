/**
 * Small payloads that wait for a peer, put together: each alone would cost the process half a kilobyte, whatever its
 * size, and credit counts only its bytes. Knows no socket.
 */

/** What is smaller is a crumb. */
const CRUMB_BYTES = 4 * 1024;
const SLAB_BYTES = 16 * 1024;

export class Crumbs {
  #slab: Uint8Array | null = null;
  #used = 0;

  /** Takes a copy of `payload`; false when it is no crumb, or there is no room for it before `take`. */
  add(payload: Uint8Array): boolean {
    if (payload.length >= CRUMB_BYTES || this.#used + payload.length > SLAB_BYTES) return false;
    this.#slab ??= new Uint8Array(SLAB_BYTES);
    this.#slab.set(payload, this.#used);
    this.#used += payload.length;
    return true;
  }

  /** All that was added, in order, and it is the caller's; null: nothing was. */
  take(): Uint8Array | null {
    if (this.#slab === null || this.#used === 0) return null;
    const isMuch = 2 * this.#used > SLAB_BYTES;
    const all = isMuch ? this.#slab.subarray(0, this.#used) : this.#slab.slice(0, this.#used);
    if (isMuch) this.#slab = null;
    this.#used = 0;
    return all;
  }
}
