/**
 * Operations as generators: an `Op` tries, and yields what it waits for. It knows no Promise and no timer.
 *
 * A waiter (../wait) drives it: it resumes the op when `ready()` holds or the deadline has passed, whichever is
 * first, and the op looks for itself what came true. `patience` tells the few ops that must know whether anybody
 * is going to wait at all (the poll face never does).
 */
import type { Failure, Pending, Source } from './channel.ts';

export interface Wait {
  /** What may change the answer of `ready`. */
  readonly sources: readonly Source[];
  ready(): boolean;
  /** On the channel's clock (`Channel.now`), seconds; Infinity for none. */
  readonly deadline: number;
}

export type Op<T> = Generator<Wait, T, void>;

/** Waits for an answer of the relay, however long it takes. */
export function* settled<T>(pending: Pending<T>): Op<T | Failure> {
  if (!pending.settled) {
    yield { sources: [pending], ready: () => pending.settled, deadline: Number.POSITIVE_INFINITY };
  }
  return pending.result;
}
