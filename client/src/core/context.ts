/**
 * What every operation is handed: the session to work on, the program's kind of strings, and whether anybody waits.
 */
import type { Channel, Failure, Pending, Source } from './channel.ts';
import type { Descriptors, Slot } from './descriptors.ts';
import type { Op } from './op.ts';
import type { Strings } from './strings.ts';

/**
 * `waits`: the caller waits for the relay's word (async and blocking faces). `never`: it must have an answer at once
 * (poll face), so nothing is asked that it would need an answer to, and what is set up is assumed to succeed.
 */
export type Patience = 'waits' | 'never';

export interface Context<B = unknown> {
  readonly channel: Channel;
  readonly descriptors: Descriptors;
  readonly strings: Strings<B>;
  readonly patience: Patience;
}

/** More than a roundtrip takes on any network that is of use. */
const FENCE_SECONDS = 3;

/** Waits for an answer of the relay, however long it takes; without patience, `assumed` stands for one that is not there. */
export function* answered<T>(context: Context, pending: Pending<T>, assumed: T | Failure): Op<T | Failure> {
  if (!pending.settled) {
    if (context.patience === 'never') return assumed;
    yield { sources: [pending], ready: () => pending.settled, deadline: Number.POSITIVE_INFINITY };
  }
  return pending.result;
}

/**
 * The same for what is asked of a socket: without patience it is taken for granted, and if the relay refuses after all,
 * the next call on the socket tells so (as `told` puts it).
 */
export function* granted<T>(
  context: Context,
  slot: Slot,
  pending: Pending<T>,
  assumed: T,
  told?: (failure: Failure) => Failure,
): Op<T | Failure> {
  if (context.patience === 'never' && !pending.settled) {
    slot.assumptions.add(pending, told);
    return assumed;
  }
  return yield* answered(context, pending, assumed);
}

/**
 * Makes sure that what the relay's kernel has now is here, so that "nothing there" may be said of it: LuaSocket with a
 * zero limit sees what its kernel has. Ends as soon as `enough` holds. Answers false where nobody can wait for that.
 */
export function* fence(context: Context, sources: readonly Source[], enough: () => boolean): Op<boolean> {
  if (context.patience === 'never') return false;
  const barrier = context.channel.barrier();
  const ready = () => barrier.settled || enough();
  // A network that has stalled is not known to be lost for a while, and a time limit that has passed is not a long wait.
  const deadline = context.channel.now() + FENCE_SECONDS;
  if (!ready()) yield { sources: [barrier, ...sources], ready, deadline };
  return true;
}
