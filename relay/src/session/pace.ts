/**
 * At what pace a session goes: when its peers are not to be read, and when its client is not either. Knows why, and
 * nothing of how that is done.
 */
import type { Throttle } from '../limits/throttle.ts';
import type { Tally } from '../tally.ts';
import type { Clock, Stop } from './parts.ts';

export interface PaceOptions {
  /** How fast the session may go; null: as fast as it can. */
  readonly throttle: Throttle | null;
  readonly clock: Clock;
  readonly tally: Pick<Tally, 'limits'>;
  /** Which peers are not to be read now. */
  readonly peers: (stop: Stop) => void;
  /** The client is to be read no more, or again. */
  readonly client: (stop: boolean) => void;
}

export class Pace {
  readonly #options: PaceOptions;
  #congested = false;
  #behind = false;
  #throttled = false;
  #rest: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /** The client is not read for now. */
  get throttled(): boolean {
    return this.#throttled;
  }

  /** The client has not acknowledged much of what it was sent. */
  get behind(): boolean {
    return this.#behind;
  }

  set behind(on: boolean) {
    if (on === this.#behind) return;
    this.#behind = on;
    this.#regulate();
  }

  /** The WebSocket does not take as much as it is given. */
  set congested(on: boolean) {
    this.#congested = on;
    this.#regulate();
  }

  /** Accounts for what the session has done. When that was its share, neither its client nor its peers are read for a while. */
  spend(bytes: number, frames: number): void {
    const { throttle } = this.#options;
    if (throttle === null) return;
    const { clock, tally, client } = this.#options;
    const wait = throttle.spend(clock.monotonic(), bytes, frames);
    if (wait === 0 || this.#throttled || this.#ended) return;
    tally.limits.add('throttle');
    this.#throttled = true;
    client(true);
    this.#rest = setTimeout(() => this.#goOn(throttle), wait).unref();
    this.#regulate();
  }

  close(): void {
    this.#ended = true;
    clearTimeout(this.#rest);
  }

  #goOn(throttle: Throttle): void {
    // More may have come in meanwhile: what had been read already, and datagrams.
    const wait = throttle.spend(this.#options.clock.monotonic(), 0, 0);
    if (wait > 0) {
      this.#rest = setTimeout(() => this.#goOn(throttle), wait).unref();
      return;
    }
    this.#throttled = false;
    this.#options.client(false);
    this.#regulate();
  }

  #regulate(): void {
    this.#options.peers(this.#behind || this.#throttled ? 'all' : this.#congested ? 'bulk' : 'none');
  }
}
