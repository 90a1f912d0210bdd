/**
 * Operations as generators: an `Op` tries, and yields what it waits for. It knows no Promise and no timer.
 *
 * A waiter (../wait) drives it: it resumes the op when `ready()` holds or the deadline has passed, whichever is
 * first, and the op looks for itself what came true. The few ops that must know whether anybody is going to wait at
 * all are told so in their context (./context.ts).
 */
import type { Source } from './channel.ts';

export interface Wait {
  /** What may change the answer of `ready`. */
  readonly sources: readonly Source[];
  ready(): boolean;
  /** On the channel's clock (`Channel.now`), seconds; Infinity for none. */
  readonly deadline: number;
}

export type Op<T> = Generator<Wait, T, void>;

/** An operation that has nothing to wait for. */
export function* immediate<T>(run: () => T): Op<T> {
  yield* [];
  return run();
}
