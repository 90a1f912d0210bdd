/** What a face does with operations: the one thing in which the entry points differ. */
import type { Answer, Face } from '../api.ts';
import type { Patience } from '../core/context.ts';
import type { Steps } from '../core/except.ts';
import type { Op } from '../core/op.ts';

/**
 * Which calls on one object must not run at the same time: those that receive, those that send, and those that set it
 * up, which all later ones wait for. `free` ones run at once.
 */
export type Direction = 'in' | 'out' | 'setup' | 'free';

export interface Waiter<F extends Face> {
  readonly patience: Patience;
  /** Runs an operation on `owner` to its end. What it throws is thrown, or rejects the Promise. */
  run<T>(op: Op<T>, owner: object, direction: Direction): Answer<F, T>;
  /** The answer of an operation that need not run. */
  answer<T>(value: T): Answer<F, T>;
  /** Runs steps, resuming each with what the yielded value (on the async face perhaps a Promise) turns out to be. */
  follow<T>(steps: Steps<T>): Answer<F, T>;
}
