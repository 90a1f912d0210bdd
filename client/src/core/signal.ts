/** Who waits for a change, and how they are told. */
import type { Source } from './channel.ts';

/** A source of wakes. Costs one field until somebody subscribes, and little more for one alone, which is the rule. */
export class Signal implements Source {
  #listeners: readonly (() => void)[] = NOBODY;

  subscribe(wake: () => void): () => void {
    this.#listeners = this.#listeners.length === 0 ? [wake] : [...this.#listeners, wake];
    let subscribed = true;
    return () => {
      if (!subscribed) return;
      subscribed = false;
      const at = this.#listeners.indexOf(wake);
      this.#listeners = this.#listeners.length === 1 ? NOBODY : this.#listeners.filter((_, index) => index !== at);
    };
  }

  /** True when a wake would reach somebody. */
  get watched(): boolean {
    return this.#listeners.length > 0;
  }

  notify(): void {
    // The list is never changed, only replaced: who is woken may wait again at once; but who left meanwhile is not woken.
    for (const wake of this.#listeners) if (this.#listeners.includes(wake)) wake();
  }
}

const NOBODY: readonly (() => void)[] = [];

/**
 * Gathers wakes while a message is taken in, so that everybody who is woken sees all of it, and what they do then
 * meets no half-changed session.
 */
export class Wakes {
  #due: Signal[] = [];
  #held = 0;

  add(signal: Signal): void {
    if (!signal.watched) return;
    if (this.#held === 0) signal.notify();
    // A stream that many frames are for is woken once; one that others come between, more often: that harms nobody.
    else if (this.#due.at(-1) !== signal) this.#due.push(signal);
  }

  /** Runs `change` and wakes afterwards, even if it throws. */
  after(change: () => void): void {
    this.#held++;
    try {
      change();
    } finally {
      this.#held--;
      if (this.#held === 0 && this.#due.length > 0) {
        const due = this.#due;
        this.#due = [];
        for (const signal of due) signal.notify();
      }
    }
  }
}
