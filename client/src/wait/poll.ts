/**
 * The waiter of `luasocket-web/poll`: nobody waits. An operation runs to its end in one go, since without patience none
 * has anything to wait for.
 */
import type { Patience } from '../core/context.ts';
import type { Steps } from '../core/except.ts';
import type { Op } from '../core/op.ts';
import type { Waiter } from './waiter.ts';

export class PollWaiter implements Waiter<'sync'> {
  readonly patience: Patience = 'never';

  run<T>(op: Op<T>): T {
    const step = op.next();
    if (!step.done) throw new Error('an operation waits although nobody does');
    return step.value;
  }

  answer<T>(value: T): T {
    return value;
  }

  follow<T>(steps: Steps<T>): T {
    let step = steps.next();
    // What a function of the program returned is its outcome, whatever it is.
    while (!step.done) step = steps.next(step.value);
    return step.value;
  }
}
