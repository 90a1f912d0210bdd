/** When things run: turns of the event loop, long waits, and a limit on what runs at once. */

/**
 * Calls `then` when everything that the kernel had when this was called has been read: setImmediate runs after the
 * poll that is under way, so the second one runs after a whole one.
 */
export function afterNextPoll(then: () => void): void {
  setImmediate(() => setImmediate(then));
}

/** At most so many at once; the others wait for their turn, in order. */
export class Turnstile {
  #free: number;
  readonly #queue: (() => void)[] = [];

  constructor(width: number) {
    this.#free = width;
  }

  async pass<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((go) => this.#queue.push(go));
    else this.#free--;
    try {
      return await task();
    } finally {
      const next = this.#queue.shift();
      if (next) next();
      else this.#free++;
    }
  }
}

/** Runs `task` once; a wait longer than setTimeout's longest is for ever. */
export function after(seconds: number, task: () => void): NodeJS.Timeout | undefined {
  return seconds * 1000 > 2 ** 31 - 1 ? undefined : setTimeout(task, seconds * 1000).unref();
}
