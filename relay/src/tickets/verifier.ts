/**
 * Who may have a session in public mode: whoever brings a ticket that one of our keys has signed, for this relay, now,
 * and for the first time. What the ticket says it grants is claims.ts.
 */
import { ProtocolError } from '@luasocket-web/shared/errors';
import { type CryptoKey, errors, type JWTHeaderParameters, jwtVerify } from 'jose';
import type { RateLimiterAbstract } from 'rate-limiter-flexible';
import { StoreFailure } from '../limits/store-failure.ts';
import type { Claims } from '../policy/claims.ts';
import { claimsOf, type Quota, ticketPayload } from './claims.ts';
import { ALGORITHM } from './keys.ts';

/** Clocks of the game's backend and the relay may differ by so many seconds. */
const TOLERANCE_SECONDS = 5;
/** A ticket is for one connect that follows at once; one for longer would have to be remembered as used for as long. */
export const MAX_LIFETIME_SECONDS = 24 * 3600;

export interface Ticket {
  /** Whom it was minted for. */
  readonly subject: string;
  readonly id: string;
  /** Seconds since 1970. */
  readonly expires: number;
  readonly claims: Claims;
  readonly quota: Quota;
  readonly maxSession: number | undefined;
  readonly resumeSeconds: number | undefined;
}

export interface VerifierOptions {
  /** Public keys by `kid`. */
  readonly keys: ReadonlyMap<string, CryptoKey>;
  /** What `aud` must be. */
  readonly audience: string;
  /** One point for each ticket's id; shared by relays that share keys. */
  readonly used: RateLimiterAbstract;
  /** Seconds since 1970. */
  readonly now: () => number;
}

export class TicketVerifier {
  readonly #options: VerifierOptions;
  #keys: ReadonlyMap<string, CryptoKey>;

  constructor(options: VerifierOptions) {
    this.#options = options;
    this.#keys = options.keys;
  }

  /** From now on tickets are good with these keys and no others. Sessions that have begun go on. */
  replaceKeys(keys: ReadonlyMap<string, CryptoKey>): void {
    this.#keys = keys;
  }

  /** What a ticket grants. Does not use it up. @throws ProtocolError `unauthorized` which says no more than it must. */
  async verify(token: string | null): Promise<Ticket> {
    if (token === null) throw new ProtocolError('unauthorized', 'a ticket is required');
    const { audience, now } = this.#options;
    const key = (header: JWTHeaderParameters): CryptoKey => this.#key(header.kid);
    const { payload } = await jwtVerify(token, key, {
      algorithms: [ALGORITHM],
      audience,
      clockTolerance: TOLERANCE_SECONDS,
      currentDate: new Date(now() * 1000),
      requiredClaims: ['sub', 'aud', 'exp', 'jti'],
    }).catch((error: unknown) => Promise.reject(refusal(error)));
    const parsed = ticketPayload.safeParse(payload);
    if (!parsed.success) {
      const where = parsed.error.issues.map(({ path }) => path.join('.')).join(', ');
      throw new ProtocolError('unauthorized', `the ticket's claims cannot be read: ${where}`);
    }
    const { sub, jti, exp, quota = {}, maxSession, resume } = parsed.data;
    if (exp > now() + MAX_LIFETIME_SECONDS) {
      throw new ProtocolError('unauthorized', 'the ticket is valid for more than a day');
    }
    try {
      const claims = claimsOf(parsed.data);
      return { subject: sub, id: jti, expires: exp, claims, quota, maxSession, resumeSeconds: resume };
    } catch (error) {
      throw new ProtocolError('unauthorized', `the ticket's claims cannot be read: ${(error as Error).message}`);
    }
  }

  /**
   * Uses a ticket up.
   * @throws ProtocolError `unauthorized` when it has been used before; StoreFailure when nobody knows.
   */
  async use({ id, expires }: Ticket): Promise<void> {
    const seconds = Math.ceil(expires + TOLERANCE_SECONDS - this.#options.now());
    try {
      await this.#options.used.consume(id, 1, { customDuration: Math.max(1, seconds) });
    } catch (refused) {
      // Else the points are used up.
      if (refused instanceof Error) throw new StoreFailure('tickets', refused);
      throw new ProtocolError('unauthorized', 'the ticket has been used');
    }
  }

  /** By name from the set that was read from our files: a `kid` is never a path, and an embedded key is never looked at. */
  #key(kid: string | undefined): CryptoKey {
    const key = kid === undefined ? undefined : this.#keys.get(kid);
    if (key === undefined) throw new errors.JWKSNoMatchingKey();
    return key;
  }
}

function refusal(error: unknown): ProtocolError {
  if (error instanceof errors.JWTExpired) return new ProtocolError('unauthorized', 'the ticket has expired');
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new ProtocolError('unauthorized', `the ticket's ${error.claim} is not right`);
  }
  // The cause is for whoever has the keys; a client hears no more.
  return new ProtocolError('unauthorized', 'the ticket is not valid', { cause: error });
}
