/**
 * A channel that remembers names, for who cannot wait: the same question asked in each frame is one question to the relay,
 * and its answer is there for as long as the resolver says it holds, within bounds.
 */
import type { Family } from '@luasocket-web/shared/address';
import {
  type Channel,
  type DatagramSocket,
  type Endpoints,
  Failure,
  type HostEntry,
  type LookupUse,
  type Pending,
  type Stream,
} from '../core/channel.ts';

/** Seconds that an answer is kept whose time to live is not known (a hosts file has none), that a failure is, and most. */
const GOOD_SECONDS = 30;
const BAD_SECONDS = 5;
const MOST_SECONDS = 300;
/** Questions remembered; the oldest goes. */
const MAX_QUESTIONS = 256;

interface Remembered {
  readonly pending: Pending<unknown>;
  /** When it was answered, in seconds; null while it is not. */
  answeredAt: number | null;
  /** Somebody who asked has got the answer: until then it is kept, however short its life, or nobody would ever get it. */
  told: boolean;
}

export class NameCache implements Channel {
  readonly #channel: Channel;
  readonly #questions = new Map<string, Remembered>();

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  now(): number {
    return this.#channel.now();
  }

  time(): number {
    return this.#channel.time();
  }

  tcp(family: Family): Stream | Failure {
    return this.#channel.tcp(family);
  }

  udp(family: Family): DatagramSocket | Failure {
    return this.#channel.udp(family);
  }

  lookup(
    host: string | null,
    service: string | null,
    family: Family | 0,
    kind: 'tcp' | 'udp',
    use: LookupUse,
  ): Pending<Endpoints> {
    return this.#ask(['lookup', host, service, family, kind, use], () =>
      this.#channel.lookup(host, service, family, kind, use),
    );
  }

  nameinfo(
    host: string | null,
    service: string | null,
  ): Pending<{ readonly names: readonly string[]; readonly service: string | null }> {
    return this.#ask(['nameinfo', host, service], () => this.#channel.nameinfo(host, service));
  }

  hostent(name: string): Pending<HostEntry> {
    return this.#ask(['hostent', name], () => this.#channel.hostent(name));
  }

  hostname(): Pending<string> {
    return this.#ask(['hostname'], () => this.#channel.hostname());
  }

  barrier(): Pending<void> {
    return this.#channel.barrier();
  }

  get unfenced(): boolean {
    return this.#channel.unfenced;
  }

  #ask<T>(question: readonly unknown[], ask: () => Pending<T>): Pending<T> {
    const key = JSON.stringify(question);
    const known = this.#questions.get(key);
    if (known && this.#holds(known)) {
      known.told = known.pending.settled;
      return known.pending as Pending<T>;
    }
    const pending = ask();
    const remembered: Remembered = { pending, answeredAt: pending.settled ? this.now() : null, told: pending.settled };
    pending.subscribe(() => {
      remembered.answeredAt ??= this.now();
    });
    // Anew, so that the order is that of asking.
    this.#questions.delete(key);
    this.#questions.set(key, remembered);
    const [oldest] = this.#questions.keys();
    if (this.#questions.size > MAX_QUESTIONS && oldest !== undefined) this.#questions.delete(oldest);
    return pending;
  }

  #holds({ pending, answeredAt, told }: Remembered): boolean {
    if (!pending.settled) return true;
    const seconds = told ? lifetime(pending.result) : MOST_SECONDS;
    return answeredAt !== null && this.now() < answeredAt + seconds;
  }
}

/** Seconds that an answer is kept. */
function lifetime(result: unknown): number {
  if (result instanceof Failure) return BAD_SECONDS;
  const { ttl } = result as { readonly ttl?: number | undefined };
  return ttl === undefined ? GOOD_SECONDS : Math.min(ttl, MOST_SECONDS);
}
