/** What attackers have done, to be added up. */

export interface Counts {
  /** Messages that the relay has looked at; in floods, messages that were sent. */
  readonly messages: number;
  readonly connections: number;
  /** How connections ended: faults by their names, close codes, HTTP statuses, `cut`. */
  readonly endings: { readonly [ending: string]: number };
  /** Connections that were neither answered nor ended. */
  readonly silent: number;
  /** Faults of clients that kept to the protocol. */
  readonly unjust: readonly string[];
  /** Messages, in hex, before which or at which the relay found a defect of its own. */
  readonly defects: readonly string[];
}

/** As many examples as are worth printing. */
const EXAMPLES = 5;

export class Counter {
  messages = 0;
  connections = 0;
  silent = 0;
  readonly #endings = new Map<string, number>();
  readonly #unjust: string[] = [];
  readonly #defects: string[] = [];

  end(ending: string): void {
    this.#endings.set(ending, (this.#endings.get(ending) ?? 0) + 1);
  }

  unjust(what: string): void {
    if (this.#unjust.length < EXAMPLES) this.#unjust.push(what);
  }

  defect(what: string): void {
    if (this.#defects.length < EXAMPLES) this.#defects.push(what);
  }

  get counts(): Counts {
    const { messages, connections, silent } = this;
    const endings = Object.fromEntries(this.#endings);
    return { messages, connections, silent, endings, unjust: this.#unjust, defects: this.#defects };
  }
}

export function sum(all: readonly Counts[]): Counts {
  const counter = new Counter();
  const endings: { [ending: string]: number } = {};
  for (const { messages, connections, silent, endings: some } of all) {
    counter.messages += messages;
    counter.connections += connections;
    counter.silent += silent;
    for (const [ending, count] of Object.entries(some)) endings[ending] = (endings[ending] ?? 0) + count;
  }
  const { messages, connections, silent } = counter;
  const unjust = all.flatMap((each) => each.unjust);
  return { messages, connections, silent, endings, unjust, defects: all.flatMap((each) => each.defects) };
}
