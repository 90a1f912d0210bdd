/** An amount of something that may be in use at once, perhaps out of a larger amount that others draw on too. */
export class Budget {
  readonly #whole: Budget | null;
  #limit: number;
  #used = 0;

  constructor(limit: number, whole: Budget | null = null) {
    this.#limit = limit;
    this.#whole = whole;
  }

  get used(): number {
    return this.#used;
  }

  /** Whether `amount` could be had; then it is in use until it is given back. */
  take(amount: number): boolean {
    if (this.#used + amount > this.#limit || this.#whole?.take(amount) === false) return false;
    this.#used += amount;
    return true;
  }

  /** Takes `amount`, or what is left of it; answers how much that was. */
  takeUpTo(amount: number): number {
    const most = Math.min(amount, this.#limit - this.#used);
    const taken = this.#whole ? this.#whole.takeUpTo(most) : most;
    this.#used += taken;
    return taken;
  }

  giveBack(amount: number): void {
    this.#used -= amount;
    this.#whole?.giveBack(amount);
  }

  /** From now on so much more may be in use; the larger amount stays as it is. */
  raise(amount: number): void {
    this.#limit += amount;
  }
}
