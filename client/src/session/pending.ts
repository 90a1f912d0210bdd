/** Answers, in or not. */
import { Failure, type Pending } from '../core/channel.ts';
import { Signal } from '../core/signal.ts';

/** An answer that is there from the start. */
export class Settled<T> implements Pending<T> {
  readonly settled = true;
  readonly result: T | Failure;

  constructor(result: T | Failure) {
    this.result = result;
  }

  subscribe(): () => void {
    return nothing;
  }
}

function nothing(): void {}

/** The answer of what has succeeded without a value. */
export const DONE: Pending<void> = new Settled<void>(undefined);

/** An answer that is yet to come. Settles once. */
export class Settling<T> extends Signal implements Pending<T> {
  #result: T | Failure | undefined = undefined;
  #settled = false;

  get settled(): boolean {
    return this.#settled;
  }

  get result(): T | Failure {
    // Meaningless until settled, by contract; so its type does not mention undefined.
    return this.#result as T | Failure;
  }

  /** Sets the answer; who settles it wakes the waiters. */
  protected settle(result: T | Failure): void {
    this.#result = result;
    this.#settled = true;
  }
}

export function failed<T>(code: Failure['code'], detail?: string): Pending<T> {
  return new Settled<T>(new Failure(code, detail));
}
