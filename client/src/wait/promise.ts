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
      const lanes = direction === 'free' ? null : this.#lanesOf(owner);
      const leave = () => {
        if (direction !== 'free') lanes?.done(direction);
      };
      const run = new Run(op, this.#now, { resolve, reject, leave });
      if (direction === 'free' || lanes === null) run.start();
      else lanes.enter(direction, () => run.start());
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

/** Who hears of the end of an operation. */
interface Caller<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
  /** Frees the lane; before the caller hears, so that its next call need not queue. */
  readonly leave: () => void;
}

/** An operation on its way: when it has waited it goes on in a microtask, or from a timer, never from within a source's call. */
class Run<T> {
  readonly #op: Op<T>;
  readonly #now: () => number;
  readonly #caller: Caller<T>;
  /** What it waits for; null: for nothing. */
  #wait: Wait | null = null;
  #unsubscribe: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #looking = false;

  constructor(op: Op<T>, now: () => number, caller: Caller<T>) {
    this.#op = op;
    this.#now = now;
    this.#caller = caller;
  }

  start(): void {
    let step: IteratorResult<Wait, T>;
    try {
      step = this.#op.next();
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (step.done) {
      this.#caller.leave();
      this.#caller.resolve(step.value);
    } else this.#await(step.value);
  }

  #await(wait: Wait): void {
    this.#wait = wait;
    try {
      for (const source of wait.sources) this.#unsubscribe.push(source.subscribe(this.#wake));
      if (wait.deadline !== Number.POSITIVE_INFINITY) this.#arm(wait.deadline);
      if (wait.ready()) this.#wake();
    } catch (error) {
      this.#forget();
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#caller.leave();
    this.#caller.reject(error);
  }

  /** A message of many frames wakes many times; one look after all of it is enough. */
  readonly #wake = (): void => {
    if (this.#looking) return;
    this.#looking = true;
    queueMicrotask(this.#look);
  };

  /** It may be for a wait that is over: then it is one look too many at the next. */
  readonly #look = (): void => {
    this.#looking = false;
    if (this.#wait?.ready()) this.#resume();
  };

  #arm(deadline: number): void {
    const milliseconds = Math.ceil((deadline - this.#now()) * 1000);
    this.#timer = setTimeout(() => this.#expire(deadline), Math.min(Math.max(milliseconds, 0), LONGEST_DELAY));
  }

  /** Timers may be early, and none reaches further than 24 days. */
  #expire(deadline: number): void {
    if (this.#wait?.ready() || this.#now() >= deadline) this.#resume();
    else this.#arm(deadline);
  }

  #resume(): void {
    this.#forget();
    this.start();
  }

  #forget(): void {
    this.#wait = null;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#unsubscribe.length = 0;
  }
}
