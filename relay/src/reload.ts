/**
 * What a running relay takes over when its settings have changed: ticket keys and origins, both or neither. Whatever is
 * wrong with the new ones, the old ones stay. It reads key files, by way of tickets/, and knows no signal.
 */
import { type Config, type ConfigInput, complete } from './config.ts';
import type { Log } from './log.ts';
import { readTicketKeys } from './tickets/index.ts';
import type { TicketVerifier } from './tickets/verifier.ts';

/** What can be changed while a relay runs. */
export type Changes = Pick<ConfigInput, 'ticketKeys' | 'origins'>;

export class Reloading {
  readonly #mode: Config['mode'];
  readonly #log: Log;
  /** Null: nobody needs a ticket. */
  readonly #tickets: TicketVerifier | null;
  #input: ConfigInput;
  #origins: readonly string[];
  /** One after the other, so that the last that was asked for is what holds in the end. */
  #last: Promise<void> = Promise.resolve();

  /** @param input what the relay was started with, which made `config`. */
  constructor(input: ConfigInput, config: Config, tickets: TicketVerifier | null, log: Log) {
    this.#mode = config.mode;
    this.#log = log;
    this.#tickets = tickets;
    this.#input = input;
    this.#origins = config.origins;
  }

  /** Origins of the pages that may connect now. */
  get origins(): readonly string[] {
    return this.#origins;
  }

  /** @throws ConfigError (it rejects) that names what is wrong; then nothing has changed. */
  reload(changes: Changes): Promise<void> {
    const mine = this.#last.then(() => this.#take(changes));
    this.#last = mine.catch((error: unknown) => {
      this.#log.error({ error }, 'nothing was reloaded: ticket keys and origins are the old ones');
    });
    return mine;
  }

  async #take(changes: Changes): Promise<void> {
    const input = { ...this.#input, ...changes };
    const config = complete({ ...input, mode: this.#mode });
    const keys = this.#tickets ? await readTicketKeys(config) : null;
    if (keys) this.#tickets?.replaceKeys(keys);
    this.#input = input;
    this.#origins = config.origins;
    this.#log.info({ kids: [...(keys?.keys() ?? [])], origins: config.origins }, 'reloaded');
  }
}
