/**
 * What a relay must remember of its clients beyond one session: used tickets, how many sessions who has, whose resumes
 * were refused. In this process, or in Redis for all relays that share one. Limits of one session are never here: a
 * session lives in one process.
 */
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import type { Limits } from '../config.ts';
import type { RedisConnection } from '../redis.ts';
import { LocalRefusals, type Refusals } from '../session/refusals.ts';
import { customerOf, LocalOccupancy, type Occupancy } from './occupancy.ts';
import { SharedOccupancy } from './shared-occupancy.ts';

export interface Store {
  /** One point for each ticket's id. */
  readonly tickets: RateLimiterAbstract;
  /** Sessions by client address. */
  readonly addresses: Occupancy;
  /** Sessions by holder of tickets. */
  readonly holders: Occupancy;
  readonly refusals: Refusals;
  close(): Promise<void>;
}

/** What begins the names of all keys. */
const PREFIX = 'luasocket-relay';
/** A refused resume counts for so many seconds. */
const REFUSAL_SECONDS = 60;

/** Used tickets of this process. */
export function localTickets(): RateLimiterAbstract {
  return new RateLimiterMemory({ keyPrefix: 'ticket', points: 1, duration: 0 });
}

export function localStore(limits: Limits): Store {
  return {
    tickets: localTickets(),
    addresses: new LocalOccupancy(),
    holders: new LocalOccupancy(),
    refusals: new LocalRefusals(limits.refusedResumes),
    close: async () => {},
  };
}

/** When Redis does not answer, tickets and sessions fail with an Error, and resumes are counted here. */
export function sharedStore(redis: RedisConnection, limits: Limits): Store {
  const { client } = redis;
  const connection = { storeClient: client, rejectIfRedisNotReady: true };
  const addresses = new SharedOccupancy(client, `${PREFIX}:address`);
  const holders = new SharedOccupancy(client, `${PREFIX}:holder`);
  const refused = { points: limits.refusedResumes, duration: REFUSAL_SECONDS };
  const refusals = new RateLimiterRedis({
    ...connection,
    ...refused,
    keyPrefix: `${PREFIX}:refused`,
    // Who goes on is not worth a question to Redis each time.
    inMemoryBlockOnConsumed: limits.refusedResumes + 1,
    insuranceLimiter: new RateLimiterMemory(refused),
  });
  return {
    tickets: new RateLimiterRedis({ ...connection, keyPrefix: `${PREFIX}:ticket`, points: 1, duration: 0 }),
    addresses,
    holders,
    refusals: {
      add: (address) =>
        refusals.consume(customerOf(address)).then(
          () => false,
          () => true,
        ),
    },
    async close() {
      addresses.close();
      holders.close();
      await redis.close();
    },
  };
}
