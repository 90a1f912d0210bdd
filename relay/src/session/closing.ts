/**
 * Closing the sockets of a session that is over: as many in each turn as its share allows. A thousand take 30 ms and more, and
 * sessions end in crowds, when a network fails or a relay far away does.
 */
import type { Log } from '../log.ts';
import type { Clock } from './parts.ts';
import type { Shares } from './shares.ts';

export interface Means {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly shares: Shares;
  readonly log: Log;
  /** All are closed. */
  readonly onEnd: () => void;
}

/** Calls `close` for all of `entries`, in order; what it throws for one keeps no other open. */
export function closeInShares<T>(entries: readonly T[], close: (entry: T) => void, means: Means): void {
  const { clock, shares } = means;
  if (entries.length > 0 && !shares.hasRoom(Number.POSITIVE_INFINITY)) {
    shares.later(() => closeSome(entries, close, means, 0));
    return;
  }
  const began = clock.monotonic();
  closeSome(entries, close, means, 0);
  shares.took(clock.monotonic() - began);
}

function closeSome<T>(entries: readonly T[], close: (entry: T) => void, means: Means, from: number): void {
  const { clock, shares, log, onEnd } = means;
  const until = clock.monotonic() + shares.slice;
  for (let index = from; index < entries.length; index++) {
    try {
      close(entries[index] as T);
    } catch (error) {
      log.error({ error }, 'defect in closing a socket');
    }
    if (clock.monotonic() < until || index + 1 === entries.length) continue;
    shares.later(() => closeSome(entries, close, means, index + 1));
    return;
  }
  onEnd();
}
