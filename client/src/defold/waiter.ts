/**
 * The waiter of a game: a call either answers at once (`never`), or it may stay open (`waits`) while the coroutine that
 * made it sleeps. An open call goes on as soon as what it waits for has come, between two frames, and the frame after
 * that hears of it.
 */
import type { Patience } from '../core/context.ts';
import type { Steps } from '../core/except.ts';
import type { Op, Wait } from '../core/op.ts';
import { Lanes } from '../wait/lanes.ts';
import type { Direction, Waiter } from '../wait/waiter.ts';

export type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** A call that has not answered yet. It is thrown by `run`, which has no result to return. */
export class OpenCall {
  readonly #op: Op<unknown>;
  readonly #waiter: GameWaiter;
  readonly #settled: (outcome: Outcome) => void;
  #wait: Wait | null = null;
  #unsubscribe: (() => void)[] = [];
  outcome: Outcome | null = null;

  constructor(op: Op<unknown>, waiter: GameWaiter, settled: (outcome: Outcome) => void) {
    this.#op = op;
    this.#waiter = waiter;
    this.#settled = settled;
  }

  /** Goes on if it has not begun, or if what it waits for is there. Time limits are only looked at here. */
  go(now: number): void {
    if (this.outcome !== null) return;
    if (this.#wait !== null && !this.#wait.ready() && now < this.#wait.deadline) return;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#unsubscribe = [];
    this.#step(now);
  }

  #step(now: number): void {
    try {
      const step = this.#waiter.patiently(() => this.#op.next());
      if (!step.done) {
        this.#await(step.value, now);
        return;
      }
      this.outcome = { value: step.value };
    } catch (error) {
      this.outcome = { error };
    }
    this.#settled(this.outcome);
  }

  #await(wait: Wait, now: number): void {
    this.#wait = wait;
    if (wait.ready()) {
      this.#step(now);
      return;
    }
    let looking = false;
    // A message of many frames wakes many times; one look after all of it is enough.
    const wake = () => {
      if (looking) return;
      looking = true;
      queueMicrotask(() => {
        looking = false;
        if (this.#wait === wait && wait.ready()) this.go(now);
      });
    };
    this.#unsubscribe = wait.sources.map((source) => source.subscribe(wake));
  }
}

export class GameWaiter implements Waiter<'sync'> {
  /** How the calls are meant that are made now. */
  patience: Patience = 'never';
  readonly #now: () => number;
  readonly #lanes = new WeakMap<object, Lanes>();
  readonly #open = new Set<OpenCall>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Answers; or throws an OpenCall, which will. */
  run<T>(op: Op<T>, owner: object, direction: Direction): T {
    if (this.patience === 'never') {
      const step = op.next();
      if (!step.done) throw new Error('an operation waits although nobody does');
      return step.value;
    }
    // Two coroutines may use one object at the same time.
    const lanes = this.#lanesOf(owner);
    const call = new OpenCall(op, this, () => {
      this.#open.delete(call);
      if (direction !== 'free') lanes.done(direction);
    });
    const go = () => {
      this.#open.add(call);
      call.go(this.#now());
    };
    if (direction === 'free') go();
    else lanes.enter(direction, go);
    const { outcome } = call;
    if (outcome === null) throw call;
    if ('error' in outcome) throw outcome.error;
    return outcome.value as T;
  }

  answer<T>(value: T): T {
    return value;
  }

  /** Tries and protects are Lua's own in a game. */
  follow<T>(steps: Steps<T>): T {
    let step = steps.next();
    while (!step.done) step = steps.next(step.value);
    return step.value;
  }

  /** Calls `body` as one that may wait. */
  patiently<T>(body: () => T): T {
    const before = this.patience;
    this.patience = 'waits';
    try {
      return body();
    } finally {
      this.patience = before;
    }
  }

  #lanesOf(owner: object): Lanes {
    let lanes = this.#lanes.get(owner);
    if (lanes === undefined) {
      lanes = new Lanes();
      this.#lanes.set(owner, lanes);
    }
    return lanes;
  }

  get isBusy(): boolean {
    return this.#open.size > 0;
  }

  /** Lets all open calls see whether their time is up. */
  look(): void {
    const now = this.#now();
    for (const call of [...this.#open]) call.go(now);
  }
}
