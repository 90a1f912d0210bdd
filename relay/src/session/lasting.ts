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
