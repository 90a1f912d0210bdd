/** `luasocket-relay keygen`: a pair of keys for tickets, as JWK on standard output. */
import type { Command } from 'commander';
import { generateKeys } from '../tickets/keys.ts';
import type { Outcome } from './outcome.ts';

/** @param done gets the outcome. */
export function addKeygen(program: Command, done: (outcome: Promise<Outcome>) => void): void {
  program
    .command('keygen')
    .description(
      'prints a new pair of keys for tickets: the relay gets publicKey (--ticket-keys), the game’s backend privateKey',
    )
    .option('--kid <name>', 'the key’s name in tickets (default: its thumbprint)')
    .action((flags: { readonly kid?: string }) => done(keygen(flags.kid)));
}

async function keygen(kid: string | undefined): Promise<Outcome> {
  return { exit: 0, out: `${JSON.stringify(await generateKeys(kid), null, 2)}\n`, error: '' };
}
