/** An amount of something that may be in use at once, perhaps out of a larger amount that others draw on too. */
export class Budget {
  readonly #limit: number;
  readonly #whole: Budget | null;
  #used = 0;

  constructor(limit: number, whole: Budget | null = null) {
    this.#limit = limit;
    this.#whole = whole;
  }

  /** Whether `amount` could be had; then it is in use until it is given back. */
  take(amount: number): boolean {
    if (this.#used + amount > this.#limit || this.#whole?.take(amount) === false) return false;
    this.#used += amount;
    return true;
  }

  giveBack(amount: number): void {
    this.#used -= amount;
    this.#whole?.giveBack(amount);
  }
}
