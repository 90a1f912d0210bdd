/** The sockets of a session that is over, until each of them is closed: nobody has them any more, but they are still there. */
import { closeInShares, type Means } from './closing.ts';
import type { Entry } from './table.ts';

export class Leaving implements Iterable<Entry> {
  readonly #means: Omit<Means, 'onEnd'>;
  readonly #entries = new Set<Entry>();

  constructor(means: Omit<Means, 'onEnd'>) {
    this.#means = means;
  }

  /** Those that are not closed yet. */
  get size(): number {
    return this.#entries.size;
  }

  [Symbol.iterator](): IterableIterator<Entry> {
    return this.#entries.values();
  }

  /** Calls `close` for each, in turns when they are many, then `onEnd`. */
  begin(entries: readonly Entry[], close: (entry: Entry) => void, onEnd: () => void): void {
    for (const entry of entries) {
      this.#entries.add(entry);
      // What comes while they wait for their turn is unread when they are closed, and not lost without a word.
      if (entry.kind === 'tcp') entry.socket?.pause();
    }
    const leave = (entry: Entry) => {
      this.#entries.delete(entry);
      close(entry);
    };
    closeInShares(entries, leave, { ...this.#means, onEnd });
  }
}
