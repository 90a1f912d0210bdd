/**
 * A channel that remembers names, for who cannot wait: the same question asked in each frame is one question to the relay,
 * and its answer is there for a while. The relay does not say how long an answer holds, so that while is bounded here.
 */
import type { Endpoint, Family } from '@luasocket-web/shared/address';
import {
  type Channel,
  type DatagramSocket,
  Failure,
  type HostEntry,
  type LookupUse,
  type Pending,
  type Stream,
} from '../core/channel.ts';

/** Seconds that an answer is kept: shorter than most records live, long enough for a program that asks in each frame. */
const GOOD_SECONDS = 30;
const BAD_SECONDS = 5;
/** Questions remembered; the oldest goes. */
const MAX_QUESTIONS = 256;

interface Remembered {
  readonly pending: Pending<unknown>;
  /** When it was answered, in seconds; null while it is not. */
  answeredAt: number | null;
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
  ): Pending<readonly Endpoint[]> {
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
    if (known && this.#holds(known)) return known.pending as Pending<T>;
    const pending = ask();
    const remembered: Remembered = { pending, answeredAt: pending.settled ? this.now() : null };
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

  #holds({ pending, answeredAt }: Remembered): boolean {
    if (!pending.settled) return true;
    const seconds = pending.result instanceof Failure ? BAD_SECONDS : GOOD_SECONDS;
    return answeredAt !== null && this.now() < answeredAt + seconds;
  }
}
