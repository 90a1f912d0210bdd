/** The two time limits of an object, as timeout.c keeps them. Takes the time as an argument and reads no clock. */
import type { Args } from './args.ts';

export class Timeout {
  #block: number;
  #total: number;
  #start = 0;

  /** Seconds; negative for no limit. */
  constructor(block = -1, total = -1) {
    this.#block = block;
    this.#total = total;
  }

  /** timeout_markstart: an operation begins. */
  markStart(now: number): void {
    this.#start = now;
  }

  /**
   * The seconds that a wait beginning now may take: Infinity for no limit, 0 for none at all. timeout_getretry, and the
   * cut to poll's milliseconds in socket_waitfd (usocket.c), which lets a limit below 1 ms wait not at all.
   */
  patience(now: number): number {
    const seconds = this.#remaining(now);
    // A number of milliseconds beyond an int becomes negative there, and so no limit.
    if (seconds * 1000 >= 0x8000_0000) return Number.POSITIVE_INFINITY;
    return Math.trunc(seconds * 1000) / 1000;
  }

  /** timeout_iszero: with a block limit of exactly 0 socket_waitfd does not even look at the socket. */
  get isZero(): boolean {
    return this.#block === 0;
  }

  #remaining(now: number): number {
    const left = this.#total - now + this.#start;
    if (this.isZero) return 0;
    if (this.#total < 0) {
      return this.#block < 0 ? Number.POSITIVE_INFINITY : positive(this.#block - now + this.#start);
    }
    // With a total, the block limit is one of each single wait.
    return this.#block < 0 ? positive(left) : Math.min(this.#block, positive(left));
  }

  /** object:settimeout(value, mode) */
  set(args: Args): [1] {
    const seconds = args.optNumber(1, -1);
    const mode = args.optText(2, 'b');
    if (mode.startsWith('b')) this.#block = seconds;
    else if (mode.startsWith('t') || mode.startsWith('r')) this.#total = seconds;
    else args.fail(2, 'invalid timeout mode');
    return [1];
  }
}

/** MAX(x, 0.0), for which NaN is 0. */
function positive(seconds: number): number {
  return Number.isNaN(seconds) ? 0 : Math.max(seconds, 0);
}
