/** A token bucket: so many at once, so many more a second. Reads no clock. */
export class Bucket {
  readonly #perMillisecond: number;
  readonly #burst: number;
  #tokens: number;
  #at = Number.NEGATIVE_INFINITY;

  /**
   * @param perSecond tokens that come in a second.
   * @param burst tokens it holds at most, and at first.
   */
  constructor(perSecond: number, burst: number) {
    this.#perMillisecond = perSecond / 1000;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Takes a token if there is one. `now` in milliseconds, never going back. */
  take(now: number): boolean {
    this.#fill(now);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Takes `amount` whether it is there or not; answers for how many milliseconds the bucket owes (0: nothing). */
  owe(now: number, amount: number): number {
    this.#fill(now);
    this.#tokens -= amount;
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMillisecond;
  }

  /** Whether it holds all it can: nobody has taken from it for long. */
  isFull(now: number): boolean {
    this.#fill(now);
    return this.#tokens >= this.#burst;
  }

  #fill(now: number): void {
    // The first time there is nothing to add.
    if (this.#at !== Number.NEGATIVE_INFINITY) {
      this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMillisecond);
    }
    this.#at = now;
  }
}
