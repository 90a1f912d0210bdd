/** Tickets as a relay's settings say. */
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { type Config, ConfigError } from '../config.ts';
import { readPublicKeys } from './keys.ts';
import { TicketVerifier } from './verifier.ts';

/** @throws ConfigError when a key cannot be used. */
export async function createVerifier(
  config: Pick<Config, 'ticketKeys' | 'ticketAudience'>,
  clock: { wall(): number },
): Promise<TicketVerifier> {
  const keys = await readPublicKeys(config.ticketKeys).catch((error: Error) => {
    throw new ConfigError(`ticketKeys: ${error.message}`);
  });
  return new TicketVerifier({
    keys,
    audience: config.ticketAudience,
    used: new RateLimiterMemory({ keyPrefix: 'ticket', points: 1, duration: 0 }),
    now: () => clock.wall(),
  });
}
