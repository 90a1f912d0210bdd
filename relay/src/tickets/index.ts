/** Tickets as a relay's settings say. */
import type { RateLimiterAbstract } from 'rate-limiter-flexible';
import { type Config, ConfigError } from '../config.ts';
import { readPublicKeys } from './keys.ts';
import { TicketVerifier } from './verifier.ts';

/** @param used one point for each ticket's id. @throws ConfigError when a key cannot be used. */
export async function createVerifier(
  config: Pick<Config, 'ticketKeys' | 'ticketAudience'>,
  clock: { wall(): number },
  used: RateLimiterAbstract,
): Promise<TicketVerifier> {
  return new TicketVerifier({
    keys: await readTicketKeys(config),
    audience: config.ticketAudience,
    used,
    now: () => clock.wall(),
  });
}

/** The keys, read anew. @throws ConfigError naming the file that cannot be used. */
export function readTicketKeys({ ticketKeys }: Pick<Config, 'ticketKeys'>): ReturnType<typeof readPublicKeys> {
  return readPublicKeys(ticketKeys).catch((error: Error) => {
    throw new ConfigError(`ticketKeys: ${error.message}`);
  });
}
