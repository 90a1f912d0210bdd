/**
 * How one thread wakes another that shares memory with it. Whoever rings counts a word up; the other one either blocks
 * until it changes, or is called back in its event loop. A ring is never missed: read the count, look what there is to
 * do, and wait for another count.
 *
 * Where there is no Atomics.waitAsync (Firefox before 145) messages do the calling back, at most one at a time.
 */

/** Words of a bell's memory: how often it rang; 1 while a message is under way. */
const COUNT = 0;
const POSTED = 1;
/** Words that a bell takes. */
export const BELL_WORDS = 2;

/** Calls in a row without a turn of the event loop, before one is made: messages and timers must come through. */
const CALLS_IN_A_ROW = 64;

type WaitAsync = (
  words: Int32Array,
  index: number,
  value: number,
) => { readonly async: boolean; readonly value: string | Promise<string> };

/** Atomics.waitAsync, where there is one. */
function waitAsync(): WaitAsync | undefined {
  return (Atomics as { readonly waitAsync?: WaitAsync }).waitAsync;
}

/** Whether a thread here must be sent messages to be called back. */
export function needsMessages(): boolean {
  return waitAsync() === undefined;
}

export class Bell {
  readonly #words: Int32Array;
  readonly #post: (() => void) | null;

  /** `post`: sends the other thread a message, on which it calls `posted`; null where that is not needed. */
  constructor(words: Int32Array, post: (() => void) | null) {
    this.#words = words;
    this.#post = post;
  }

  ring(): void {
    Atomics.add(this.#words, COUNT, 1);
    Atomics.notify(this.#words, COUNT);
    if (this.#post && Atomics.exchange(this.#words, POSTED, 1) === 0) this.#post();
  }

  /** How often it rang. */
  get count(): number {
    return Atomics.load(this.#words, COUNT);
  }

  /** Blocks until it has rung since `count` was read, at most so many milliseconds. */
  wait(count: number, milliseconds: number): void {
    Atomics.wait(this.#words, COUNT, count, milliseconds);
  }

  /** The other thread's message has come. */
  posted(look: () => void): void {
    Atomics.store(this.#words, POSTED, 0);
    look();
  }

  /** Calls `look` now, and in the event loop after each ring, until the returned function is called. */
  listen(look: () => void): () => void {
    const wait = waitAsync();
    let stopped = false;
    let inARow = 0;
    const turn = () => {
      if (stopped) return;
      const { count } = this;
      look();
      if (stopped || !wait) return;
      const waiting = wait(this.#words, COUNT, count);
      if (waiting.async) {
        inARow = 0;
        void Promise.resolve(waiting.value).then(turn);
      } else if (++inARow < CALLS_IN_A_ROW) {
        queueMicrotask(turn);
      } else {
        inARow = 0;
        setTimeout(turn);
      }
    };
    turn();
    return () => {
      stopped = true;
    };
  }
}
