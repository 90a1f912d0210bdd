/**
 * Credit of one session as it goes and grows: CREDIT and POOL for what the client sends, and how far the client's POOL
 * is followed. All growth comes out of one budget for the whole relay, so nobody makes it keep more than that; what the
 * budget does not give is not given later.
 */
import type { ReceivePool, SendPool } from '@luasocket-web/shared/flow';
import { POOL_MAX } from '@luasocket-web/shared/limits';
import { WindowTuner } from '@luasocket-web/shared/window';
import type { Budget } from './budget.ts';
import type { Clock, Voice } from './parts.ts';

/** Credit for this part of the pool is told at once: a client that sends in bulk may wait for it. */
const HURRY_FRACTION = 4;

export interface CreditOptions {
  readonly voice: Pick<Voice, 'send'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly send: SendPool;
  readonly receive: ReceivePool;
  /** What may lie in closed sockets grows with what may be on its way to them. */
  readonly lingering: Budget;
  /** Bytes by which the pools of all sessions together may have grown. */
  readonly budget: Budget;
  /** The budget has refused something. */
  readonly reached: () => void;
}

export class Credit {
  readonly #options: CreditOptions;
  readonly #tuner: WindowTuner;
  #download = 0;
  #upload = 0;
  #closed = false;

  constructor(options: CreditOptions) {
    this.#options = options;
    this.#tuner = new WindowTuner(options.receive);
  }

  /** Bytes by which the download pool has grown. */
  get grownDownload(): number {
    return this.#download;
  }

  /** Whether there is something for `tell`, and how soon. */
  get due(): 'now' | 'soon' | 'never' {
    const { receive } = this.#options;
    if (!receive.due) return 'never';
    return receive.untold * HURRY_FRACTION >= receive.size ? 'now' : 'soon';
  }

  /** POOL of the client: the relay may send, and so keep, so much more. */
  widen(bytes: number): void {
    const { send } = this.#options;
    const more = this.#granted(Math.min(bytes, POOL_MAX - send.size));
    this.#download += more;
    send.grow(more);
  }

  /**
   * Gives the client back what was taken, and lets it send more where that would be faster.
   * @param roundtrip the smallest one to the client, in milliseconds; null: not known.
   */
  tell(roundtrip: number | null): void {
    const { receive, voice, clock, lingering } = this.#options;
    if (!receive.due) return;
    let taken = 0;
    for (const [socket, bytes] of receive.takeCredits()) {
      voice.send({ type: 'credit', socket, bytes });
      taken += bytes;
    }
    const more = this.#granted(this.#tuner.took(taken, clock.monotonic(), roundtrip));
    if (more === 0) return;
    this.#upload += more;
    receive.grow(more);
    lingering.raise(more);
    voice.send({ type: 'pool', bytes: more });
  }

  /** The session is over. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.budget.giveBack(this.#download + this.#upload);
  }

  #granted(wanted: number): number {
    // Sending can have ended the session.
    if (wanted <= 0 || this.#closed) return 0;
    const granted = this.#options.budget.takeUpTo(wanted);
    if (granted < wanted) this.#options.reached();
    return granted;
  }
}
