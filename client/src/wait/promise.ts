/**
 * The waiter of `luasocket-web`: a call answers with a Promise. It subscribes to what an operation waits for and sets a
 * timer for its deadline; an operation that need not wait costs neither.
 */
import type { Patience } from '../core/context.ts';
import type { Steps } from '../core/except.ts';
import type { Op, Wait } from '../core/op.ts';
import { soon } from '../soon.ts';
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
        advance(op, this.#now, resolve, reject, null);
        return;
      }
      const lanes = this.#lanesOf(owner);
      const leave = () => lanes.done(direction);
      lanes.enter(direction, () => advance(op, this.#now, resolve, reject, leave));
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
}

/**
 * Runs an operation to its end, or to where it waits. `leave` frees its lane, before the caller hears, so that the caller's next
 * call need not queue; null: it is in none.
 */
function advance<T>(
  op: Op<T>,
  now: () => number,
  resolve: (value: T) => void,
  reject: (reason: unknown) => void,
  leave: (() => void) | null,
): void {
  try {
    const step = op.next();
    if (!step.done) {
      sleep(step.value, now, () => advance(op, now, resolve, reject, leave));
      return;
    }
    leave?.();
    resolve(step.value);
  } catch (error) {
    leave?.();
    reject(error);
  }
}

/** One wait of an operation: calls `resume` in a microtask, or from a timer, never from within a source's call. */
function sleep(wait: Wait, now: () => number, resume: () => void): void {
  const { sources, deadline } = wait;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let looking = false;
  let over = false;

  const finish = (): void => {
    over = true;
    clearTimeout(timer);
    for (const leave of subscriptions) leave();
    resume();
  };
  const look = (): void => {
    looking = false;
    if (!over && wait.ready()) finish();
  };
  // A message of many frames wakes many times; one look after all of it is enough.
  const wake = (): void => {
    if (looking) return;
    looking = true;
    soon(look);
  };
  // Timers may be early, and none reaches further than 24 days.
  const arm = (): void => {
    const milliseconds = Math.ceil((deadline - now()) * 1000);
    const expire = (): void => (wait.ready() || now() >= deadline ? finish() : arm());
    timer = setTimeout(expire, Math.min(Math.max(milliseconds, 0), LONGEST_DELAY));
  };

  const subscriptions = sources.map((source) => source.subscribe(wake));
  if (deadline !== Number.POSITIVE_INFINITY) arm();
  if (wait.ready()) wake();
}
