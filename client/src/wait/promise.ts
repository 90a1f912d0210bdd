/**
 * The waiter of `luasocket-web`: a call answers with a Promise. It subscribes to what an operation waits for and sets a
 * timer for its deadline; an operation that need not wait costs neither.
 */
import type { Patience } from '../core/context.ts';
import type { Steps } from '../core/except.ts';
import type { Op, Wait } from '../core/op.ts';
import { Lanes } from './lanes.ts';
import type { Direction, Waiter } from './waiter.ts';

/** The longest delay of setTimeout, in milliseconds. */
const LONGEST_DELAY = 0x7fff_ffff;

export class PromiseWaiter implements Waiter<'async'> {
  readonly patience: Patience = 'waits';
  readonly #now: () => number;
  readonly #lanes = new WeakMap<object, Lanes>();

  /** `now`: the clock that deadlines are on, in seconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  run<T>(op: Op<T>, owner: object, direction: Direction): Promise<T> {
    return new Promise((resolve, reject) => {
      if (direction === 'free') {
        this.#drive(op, resolve, reject);
        return;
      }
      const lanes = this.#lanesOf(owner);
      // The lane is free again before the caller hears of the end, so that its next call need not queue.
      const over =
        <V>(settle: (value: V) => void) =>
        (value: V) => {
          lanes.done(direction);
          settle(value);
        };
      lanes.enter(direction, () => this.#drive(op, over(resolve), over(reject)));
    });
  }

  answer<T>(value: T): Promise<T> {
    return Promise.resolve(value);
  }

  async follow<T>(steps: Steps<T>): Promise<T> {
    let step = steps.next();
    while (!step.done) {
      let outcome: unknown;
      try {
        outcome = await step.value;
      } catch (error) {
        step = steps.throw(error);
        continue;
      }
      step = steps.next(outcome);
    }
    return step.value;
  }

  #lanesOf(owner: object): Lanes {
    let lanes = this.#lanes.get(owner);
    if (lanes === undefined) {
      lanes = new Lanes();
      this.#lanes.set(owner, lanes);
    }
    return lanes;
  }

  #drive<T>(op: Op<T>, resolve: (value: T) => void, reject: (reason: unknown) => void): void {
    try {
      const step = op.next();
      if (step.done) resolve(step.value);
      else this.#await(step.value, () => this.#drive(op, resolve, reject));
    } catch (error) {
      reject(error);
    }
  }

  /** Calls `resume` when the wait is over: in a microtask, or from a timer, never from within this call or a source's. */
  #await({ sources, ready, deadline }: Wait, resume: () => void): void {
    let over = false;
    let looking = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const subscriptions: (() => void)[] = [];
    const finish = () => {
      over = true;
      clearTimeout(timer);
      for (const unsubscribe of subscriptions) unsubscribe();
      resume();
    };
    const look = () => {
      looking = false;
      if (!over && ready()) finish();
    };
    // A message of many frames wakes many times; one look after all of it is enough.
    const wake = () => {
      if (looking || over) return;
      looking = true;
      queueMicrotask(look);
    };
    const expire = () => {
      // Timers may be early, and none reaches further than 24 days.
      if (ready() || this.#now() >= deadline) finish();
      else arm();
    };
    const arm = () => {
      const milliseconds = Math.ceil((deadline - this.#now()) * 1000);
      timer = setTimeout(expire, Math.min(Math.max(milliseconds, 0), LONGEST_DELAY));
    };
    for (const source of sources) subscriptions.push(source.subscribe(wake));
    if (deadline !== Number.POSITIVE_INFINITY) arm();
    wake();
  }
}
