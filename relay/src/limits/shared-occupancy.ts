/**
 * Counts what one client address, or one holder of tickets, has at once over all relays that share a Redis.
 *
 * Each session holds a lease that its relay renews; the leases of a relay that has died run out, so nothing stays counted
 * for long that is not there. rate-limiter-flexible counts what happens in a time and cannot count what is there now;
 * hence two scripts of our own, by the clock of Redis alone.
 */
import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Occupancy } from './occupancy.ts';
import { StoreFailure } from './store-failure.ts';

/** How long a relay that has died is still counted, at most. */
const LEASE_MILLISECONDS = 60_000;
/** Renewals in the time of a lease: two may fail. */
const RENEWALS = 3;

/** Milliseconds since 1970, into `now`. */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** KEYS: whom it is counted for. ARGV: most, milliseconds, lease. Answers 1, or 0 when there are `most`. */
const ENTER = `${NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`;

/** KEYS: whom it is counted for. ARGV: milliseconds, leases. Also puts back what Redis has forgotten. */
const RENEW = `${NOW}
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
`;

export class SharedOccupancy implements Occupancy {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #leaseMilliseconds: number;
  /** The leases of this relay, by whom they are counted for. */
  readonly #leases = new Map<string, Set<string>>();
  readonly #renewal: NodeJS.Timeout;

  /** @param prefix begins the names of its keys. */
  constructor(redis: Redis, prefix: string, leaseMilliseconds = LEASE_MILLISECONDS) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#leaseMilliseconds = leaseMilliseconds;
    this.#renewal = setInterval(() => this.#renew(), leaseMilliseconds / RENEWALS).unref();
  }

  /** Rejects with StoreFailure when Redis does not answer. */
  async enter(key: string, most: number): Promise<(() => void) | null> {
    const place = `${this.#prefix}:${key}`;
    const lease = randomUUID();
    const limit = Math.min(most, Number.MAX_SAFE_INTEGER);
    const terms = [limit, this.#leaseMilliseconds, lease];
    const entered = await this.#redis.eval(ENTER, 1, place, ...terms).catch((error: Error) => {
      throw new StoreFailure('sessions', error);
    });
    if (entered !== 1) return null;
    const leases = this.#leases.get(place) ?? new Set();
    this.#leases.set(place, leases.add(lease));
    return () => {
      leases.delete(lease);
      if (leases.size === 0 && this.#leases.get(place) === leases) this.#leases.delete(place);
      // What cannot be taken back runs out.
      this.#redis.zrem(place, lease).catch(() => {});
    };
  }

  /** Renews no more. */
  close(): void {
    clearInterval(this.#renewal);
  }

  #renew(): void {
    for (const [place, leases] of this.#leases) {
      // The next renewal makes up for one that fails.
      this.#redis.eval(RENEW, 1, place, this.#leaseMilliseconds, ...leases).catch(() => {});
    }
  }
}
