/**
 * Turns of the event loop, shared out among the WebSockets, so that the relay comes round to everybody soon however
 * much some of them ask for. One for the whole relay.
 */

/** Milliseconds of a turn that those who have much to be done may take together, and one of them at least. */
const TOGETHER = 8;
const LEAST = 0.5;

export class Shares {
  #ending = false;
  #waiting = 0;
  #last: (() => void)[] = [];

  /** Milliseconds that one WebSocket may take of a turn. */
  get slice(): number {
    return Math.max(LEAST, TOGETHER / (1 + this.#waiting));
  }

  /** Calls `then` in the next turn: somebody has more to be done. */
  later(then: () => void): void {
    this.#waiting++;
    setImmediate(() => {
      this.#waiting--;
      then();
    });
  }

  /** Calls `then` at the end of this turn. It may not throw. */
  atEnd(then: () => void): void {
    this.#last.push(then);
    if (this.#ending) return;
    this.#ending = true;
    setImmediate(() => {
      this.#ending = false;
      const last = this.#last;
      this.#last = [];
      for (const each of last) each();
    });
  }
}
