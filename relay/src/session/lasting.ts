/** Payloads that wait for their peer, and the memory that they keep. */

/** Memory that a payload may keep alive, as a multiple of its size. */
const MULTIPLE = 16;

/**
 * `payload` to be kept: itself, or a copy when it is a small view of much memory. A client could make the relay keep
 * half a megabyte for every byte of its credit otherwise (see Incoming).
 */
export function lasting(payload: Uint8Array): Uint8Array {
  return payload.buffer.byteLength > MULTIPLE * payload.length ? new Uint8Array(payload) : payload;
}

/** When payloads keep so much memory alive, what comes then is copied where it is a small part of it: bytes. */
const PINNED_BYTES = 2 * 1024 * 1024;

/** Whose payloads wait, and the memory that they are in: bytes, counted for each payload, however many share it. */
export interface Holder {
  pinned: number;
}

/** What the payloads that wait keep alive, over all who hold some. */
export class Pins {
  #bytes = 0;

  /** `payload`, or what to keep instead of it if it has to wait. */
  bounded(payload: Uint8Array): Uint8Array {
    return this.#bytes > PINNED_BYTES ? lasting(payload) : payload;
  }

  hold(holder: Holder, payload: Uint8Array): void {
    holder.pinned += payload.buffer.byteLength;
    this.#bytes += payload.buffer.byteLength;
  }

  release(holder: Holder): void {
    this.#bytes -= holder.pinned;
    holder.pinned = 0;
  }
}
