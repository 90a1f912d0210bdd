/** When to try again to reach a relay. */

/** Milliseconds before the first attempt: a WebSocket that broke alone can be replaced at once. */
const FIRST = 50;
/** Milliseconds between attempts at most, so that a session is not missed that is still there. */
const MOST = 5000;

/**
 * Milliseconds to wait before attempt `attempt` (from 0): doubling, and anywhere in the upper half of that, so that the
 * pages of a relay that was restarted do not all come back at once. `random`: 0 <= x < 1.
 */
export function backoff(attempt: number, random: number): number {
  const limit = Math.min(FIRST * 2 ** attempt, MOST);
  return limit * (0.5 + random / 2);
}
