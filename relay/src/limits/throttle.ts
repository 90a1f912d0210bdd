/**
 * How fast one session may make the relay work: bytes and frames a second. Beyond it the session waits, as with a slow
 * line; nothing is lost and nobody else is touched. Reads no clock and sets no timer.
 */
import { Bucket } from './bucket.ts';

/** What one second's worth of work may come to at once. */
const BURST_SECONDS = 1;

export class Throttle {
  readonly #bytes: Bucket;
  readonly #frames: Bucket;

  constructor(bytesPerSecond: number, framesPerSecond: number) {
    this.#bytes = new Bucket(bytesPerSecond, bytesPerSecond * BURST_SECONDS);
    this.#frames = new Bucket(framesPerSecond, framesPerSecond * BURST_SECONDS);
  }

  /** Accounts for work that was done at `now`; answers for how many milliseconds the session should wait. */
  spend(now: number, bytes: number, frames: number): number {
    return Math.max(this.#bytes.owe(now, bytes), this.#frames.owe(now, frames));
  }
}
