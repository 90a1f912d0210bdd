/** How much a client may have left unacknowledged: what the relay keeps for it, and so a bound on memory. */
import type { SendPool } from '@luasocket-web/shared/flow';
import type { Link } from '@luasocket-web/shared/link';

/** What may be unacknowledged: bytes beyond the pool, for answers and the streams' reserves, and frames, which cost memory too. */
interface Slack {
  readonly bytes: number;
  readonly frames: number;
}
/** Above it nobody reads from peers. */
export const MUCH: Slack = { bytes: 512 * 1024, frames: 16_384 };
/** Above it the client is at fault. */
export const TOO_MUCH: Slack = { bytes: 1024 * 1024, frames: 65_536 };

/** Whether more is unacknowledged than the pool and `slack`. */
export function isBehind(link: Link, send: SendPool, { bytes, frames }: Slack): boolean {
  // The whole pool, whatever is outstanding: CLOSE and CREDIT give back what ACK has not told of yet.
  const pool = Math.max(send.size, send.outstanding);
  return link.unacknowledgedBytes > pool + bytes || link.unacknowledgedFrames > frames;
}
