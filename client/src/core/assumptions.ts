/**
 * What was taken for granted on a socket because nobody could wait for the relay's word: the poll face sets sockets up
 * so. A refusal that comes later is kept, like a pending error, until a call on the socket can tell it.
 */
import type { OptionValue } from '@luasocket-web/shared/frames';
import { Failure, type Pending } from './channel.ts';

/** A request whose success was assumed, and how its failure is told. */
interface Assumed {
  readonly pending: Pending<unknown>;
  readonly told: (failure: Failure) => Failure;
}

export class Assumptions {
  #open: readonly Assumed[] = [];
  #refusal: Failure | null = null;

  /** `told`: the failure that the program hears of, where it is not the relay's own. */
  add(pending: Pending<unknown>, told: (failure: Failure) => Failure = (failure) => failure): void {
    this.#open = [...this.#open, { pending, told }];
  }

  /** Whether there is a refusal that no call has told yet. */
  get refused(): boolean {
    if (this.#open.length > 0) this.#review();
    return this.#refusal !== null;
  }

  /** The refusal, once. Of several that came meanwhile, the first: what followed from it says nothing more. */
  take(): Failure | null {
    if (!this.refused) return null;
    const refusal = this.#refusal;
    this.#refusal = null;
    return refusal;
  }

  #review(): void {
    const open: Assumed[] = [];
    for (const assumed of this.#open) {
      const { pending, told } = assumed;
      if (!pending.settled) open.push(assumed);
      else if (pending.result instanceof Failure) this.#refusal ??= told(pending.result);
    }
    this.#open = open;
  }
}

/** What Linux gives a new socket, until the relay has told. */
const DEFAULTS: { readonly [option: string]: OptionValue } = {
  keepalive: false,
  reuseaddr: false,
  'tcp-nodelay': false,
  linger: { on: false, timeout: 0 },
  'ip-multicast-if': '0.0.0.0',
  'ip-multicast-loop': true,
  'ipv6-unicast-hops': 64,
  'ipv6-multicast-loop': true,
  'ipv6-v6only': true,
};

/** The options of a socket as far as they are known on this side: what was set, what the relay told, else the defaults. */
export class OptionShadow {
  readonly #set = new Map<string, { readonly value: OptionValue; readonly done: Pending<void> }>();
  readonly #asked = new Map<string, Pending<OptionValue>>();

  /** An option was set; `done` is the relay's word on it. */
  set(option: string, value: OptionValue, done: Pending<void>): void {
    this.#asked.delete(option);
    // A negative number asks for the system's choice, which only the relay knows.
    if (typeof value === 'number' && value < 0) this.#set.delete(option);
    else this.#set.set(option, { value, done });
  }

  /** The value now; `ask` is called where the relay has to be asked, whose word counts from when it is here. */
  get(option: string, ask: () => Pending<OptionValue>): OptionValue | Failure {
    const set = this.#set.get(option);
    if (set && !(set.done.settled && set.done.result instanceof Failure)) return set.value;
    const asked = this.#asked.get(option) ?? ask();
    this.#asked.set(option, asked);
    return asked.settled ? asked.result : (DEFAULTS[option] ?? null);
  }
}
