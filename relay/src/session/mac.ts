/** Proof that an end knows the session's key, for RESUME and RESUMED; what is signed is laid out in shared/src/resume.ts. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { resumeProof } from '@luasocket-web/shared/resume';

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
  return createHmac('sha256', key)
    .update(resumeProof(by, nonce, session, generation, received))
    .digest();
}

/** Compares in constant time. */
export function verify(key: Uint8Array, by: 'client' | 'relay', proven: Proven, mac: Uint8Array): boolean {
  const expected = sign(key, by, proven);
  return mac.length === expected.length && timingSafeEqual(expected, mac);
}
