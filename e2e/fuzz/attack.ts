/** What an attack needs to know. */
import type { Counter } from './counts.ts';
import type { Targets } from './grammar.ts';
import type { Mint } from './tickets.ts';
import type { Place } from './wire.ts';

export interface Attack {
  readonly mint: Mint;
  readonly targets: Targets;
  readonly place: Place;
  readonly counter: Counter;
  /** An address of this machine that no other attacker has; each call another. */
  readonly address: () => string;
}
