/** Who waits for a change, and how they are told. */
import type { Source } from '../core/channel.ts';

interface Listener {
  readonly wake: () => void;
}

/** A source of wakes. Costs one field until somebody subscribes. */
export class Signal implements Source {
  #listeners: Set<Listener> | null = null;

  subscribe(wake: () => void): () => void {
    const listeners = this.#listeners ?? new Set();
    this.#listeners = listeners;
    const listener = { wake };
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** True when a wake would reach somebody. */
  get watched(): boolean {
    return this.#listeners !== null && this.#listeners.size > 0;
  }

  notify(): void {
    const listeners = this.#listeners;
    if (!listeners || listeners.size === 0) return;
    // A copy, for who is woken may wait again at once; but who left meanwhile is not woken.
    for (const listener of [...listeners]) if (listeners.has(listener)) listener.wake();
  }
}

/**
 * Gathers wakes while a message is taken in, so that everybody who is woken sees all of it, and what they do then
 * meets no half-changed session.
 */
export class Wakes {
  readonly #due = new Set<Signal>();
  #held = 0;

  add(signal: Signal): void {
    if (!signal.watched) return;
    if (this.#held > 0) this.#due.add(signal);
    else signal.notify();
  }

  /** Runs `change` and wakes afterwards, even if it throws. */
  after(change: () => void): void {
    this.#held++;
    try {
      change();
    } finally {
      this.#held--;
      if (this.#held === 0 && this.#due.size > 0) {
        const due = [...this.#due];
        this.#due.clear();
        for (const signal of due) signal.notify();
      }
    }
  }
}
