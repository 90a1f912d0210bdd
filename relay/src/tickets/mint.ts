/** Makes tickets, for scripts and tests; a game's backend does the same with any JWT library (examples/mint-ticket.mjs). */
import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { claimsOf, ticketPayload } from './claims.ts';
import { ALGORITHM, type SigningKey } from './keys.ts';

export interface Minted {
  readonly subject: string;
  readonly audience: string;
  /** Seconds since 1970. */
  readonly now: number;
  /** Seconds for which it can be used. */
  readonly seconds: number;
  /** `net`, `quota`, `maxSession`, `resume`. */
  readonly claims: { readonly [name: string]: unknown };
}

/** @throws Error when a relay could not read the claims. */
export async function mint(
  { kid, key }: SigningKey,
  { subject, audience, now, seconds, claims }: Minted,
): Promise<string> {
  const begin = Math.floor(now);
  const payload = { ...claims, sub: subject, aud: audience, nbf: begin, exp: begin + seconds, jti: randomUUID() };
  const checked = ticketPayload.safeParse(payload);
  if (!checked.success) {
    throw new Error(checked.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
  }
  claimsOf(checked.data);
  return new SignJWT(payload).setProtectedHeader({ alg: ALGORITHM, kid, typ: 'JWT' }).sign(key);
}
