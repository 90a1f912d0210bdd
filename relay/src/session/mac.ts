/** Proof that an end knows the session's key, for RESUME and RESUMED (PROTOCOL.md, section 6). */
import { createHmac, timingSafeEqual } from 'node:crypto';

export interface Proven {
  readonly nonce: Uint8Array;
  readonly session: Uint8Array;
  readonly generation: number;
  readonly received: number;
}

export function sign(
  key: Uint8Array,
  by: 'client' | 'relay',
  { nonce, session, generation, received }: Proven,
): Buffer {
  const numbers = Buffer.alloc(12);
  numbers.writeUInt32BE(generation, 0);
  numbers.writeBigUInt64BE(BigInt(received), 4);
  return createHmac('sha256', key).update(by).update(nonce).update(session).update(numbers).digest();
}

/** Compares in constant time. */
export function verify(key: Uint8Array, by: 'client' | 'relay', proven: Proven, mac: Uint8Array): boolean {
  const expected = sign(key, by, proven);
  return mac.length === expected.length && timingSafeEqual(expected, mac);
}
