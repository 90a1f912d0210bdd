/**
 * The waiter of `luasocket-web/blocking`: a call answers when its answer is there, and its thread is blocked until then.
 * Meanwhile the thread takes in what comes for any socket.
 */
import type { Patience } from '../core/context.ts';
import type { Steps } from '../core/except.ts';
import type { Op, Wait } from '../core/op.ts';
import type { Waiter } from './waiter.ts';

/** A thread's ways to wait. */
export interface Blocker {
  /** Seconds, on the clock that deadlines are on. */
  now(): number;
  /** Between these two, frames are gathered; `wait` and `release` let them go. */
  hold(): void;
  release(): void;
  /** Takes in what has come. */
  take(): void;
  /** Blocks until more has come since `take` was called, or perhaps the deadline has passed; may end early. */
  wait(deadline: number): void;
}

export class BlockWaiter implements Waiter<'sync'> {
  readonly patience: Patience = 'waits';
  readonly #blocker: Blocker;

  constructor(blocker: Blocker) {
    this.#blocker = blocker;
  }

  /** Nothing else runs while a call does, so that calls on one object need no queue. */
  run<T>(op: Op<T>): T {
    const blocker = this.#blocker;
    blocker.hold();
    try {
      blocker.take();
      let step = op.next();
      while (!step.done) {
        this.#wait(step.value);
        step = op.next();
      }
      return step.value;
    } finally {
      blocker.release();
    }
  }

  answer<T>(value: T): T {
    return value;
  }

  follow<T>(steps: Steps<T>): T {
    let step = steps.next();
    while (!step.done) step = steps.next(step.value);
    return step.value;
  }

  #wait({ ready, deadline }: Wait): void {
    const blocker = this.#blocker;
    for (;;) {
      blocker.take();
      if (ready() || blocker.now() >= deadline) return;
      blocker.wait(deadline);
    }
  }
}
