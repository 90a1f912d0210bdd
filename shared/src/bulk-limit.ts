/**
 * How much bulk may be in flight while something small is under way beside it. Credit lets a download fill a pool, and what is
 * ahead of a small message is what that waits for: 0.8 MiB are 1 ms over loopback, and 0.3 s at 20 Mbit/s. So while small messages
 * go, bulk has twice what the path carries in a round trip in place of the pool: enough to keep it busy, as BBR has it (draft-ietf-
 * ccwg-bbr, cwnd_gain), and a queue of one round trip. Without small messages nothing is held back.
 *
 * Both ends do so with what they send; the other one sees no difference. An end that does not is just slower to answer.
 *
 * Measured in Node 20 over loopback, 64 bytes to and fro beside a download (us; medians of runs that took turns):
 *
 *   in flight   p50     p99     download, MiB/s
 *   838 KiB     1,030   5,500   750
 *   256 KiB     440     2,200   640
 *   96 KiB      260     1,150   330
 *   64 KiB      240     800     225
 */
import { type SendPool, SHARE } from './flow.ts';
import { STREAM_RESERVE } from './limits.ts';
import { NEAR_MILLISECONDS } from './window.ts';

/** What is small has less than this: bulk that ltn12 moves comes by 2048 (its BLOCKSIZE). */
const SMALL_BYTES = 2048;
/**
 * What a socket with small messages has outstanding at most; as much any stream may have though others hold more than all of the
 * limit: they may have stalled just now, or it is from before the limit.
 */
export const LIGHT_BYTES = 16 * 1024;
/** Bulk has so long after the last small message before it has all of the pool again: a game sends 10 to 60 in a second. */
const HOLD_MILLISECONDS = 250;
/** What bulk may always have in flight; and no more than that where a round trip is so short that it measures turns of event loops. */
const LEAST_BYTES = 96 * 1024;
/** As a multiple of what the path carries in one round trip. */
const GAIN = 2;
/** The shortest time to measure a rate over, also as a multiple of the round trip. */
const INTERVAL_MILLISECONDS = 50;
const INTERVAL_ROUNDTRIPS = 2;
/** So many of them without a word were a pause. */
const PAUSE_INTERVALS = 10;
/** What is not worth a frame. */
const QUANTUM = STREAM_RESERVE;
/** Bytes of one read while bulk is limited, as a part of the limit: one is under way while the next is read. */
const PIECE = 0.4;

/** The way to the other end. */
export interface Route {
  /** Milliseconds on any monotonic clock. */
  now(): number;
  /** The smallest round trip of this way, in milliseconds; null: not known. */
  roundtrip(): number | null;
}

type Pool = Pick<SendPool, 'allowance' | 'outstanding' | 'outstandingOf' | 'outstandingBut'>;

export class BulkLimit {
  readonly #pool: Pool;
  readonly #route: Route;
  /** Whether small messages go; looked at before the clock. */
  #active = false;
  #until = 0;
  /** Bytes of bulk in a millisecond that the other end takes: in the last interval without a limit, or in a better one with it. */
  #rate = 0;
  #since = 0;
  #taken = 0;
  /** Who has got credit in this interval; and what those have outstanding who got none in the last one: it is not on its way. */
  readonly #moving = new Set<number>();
  #stalled = 0;

  constructor(pool: Pool, route: Route) {
    this.#pool = pool;
    this.#route = route;
  }

  /** How many bytes a stream may send now; never more than the pool allows, and never 0 where it has nothing outstanding. */
  allowance(socket: number): number {
    const whole = this.#pool.allowance(socket);
    if (!this.limited) return whole;
    const own = this.#pool.outstandingOf(socket);
    const others = Math.max(0, this.#flight - own);
    const share = Math.max(Math.floor(SHARE * (this.#bytes() - others)), LIGHT_BYTES) - own;
    return share < QUANTUM ? 0 : Math.min(whole, share);
  }

  /** Whether small messages go, so that bulk is limited. */
  get limited(): boolean {
    if (!this.#active) return false;
    this.#active = this.#route.now() < this.#until;
    return this.#active;
  }

  /** How many bytes of bulk should go at a time. */
  get piece(): number {
    return this.limited ? Math.floor(PIECE * this.#bytes()) : Number.POSITIVE_INFINITY;
  }

  /** A message of `bytes` bytes, or the first part of it, is about to be sent on `socket`, of any kind. */
  sending(socket: number, bytes: number): void {
    if (bytes >= SMALL_BYTES) return;
    const own = this.#pool.outstandingOf(socket);
    if (own + bytes > LIGHT_BYTES || this.#flight - own < LEAST_BYTES / 2) return;
    this.#active = true;
    this.#until = this.#route.now() + HOLD_MILLISECONDS;
  }

  /** The peer's CREDIT, which the pool has taken. */
  credited(socket: number, bytes: number): void {
    const now = this.#route.now();
    const interval = now - this.#since;
    this.#taken += bytes;
    this.#moving.add(socket);
    const least = Math.max(INTERVAL_MILLISECONDS, INTERVAL_ROUNDTRIPS * (this.#route.roundtrip() ?? 0));
    if (interval < least) return;
    const rate = this.#taken / interval;
    // Not after a pause: it would be the rate of the program. Nor what the limit makes less of it, as where a program polls 60 times
    // a second: taken for the path, that would make the limit lower and lower.
    const isPath = interval < PAUSE_INTERVALS * least && (rate > this.#rate || !this.limited);
    if (isPath && this.#flight + bytes >= LEAST_BYTES / 2) this.#rate = rate;
    this.#stalled = this.#pool.outstandingBut(this.#moving);
    this.#moving.clear();
    this.#since = now;
    this.#taken = 0;
  }

  /** What is on its way, about. */
  get #flight(): number {
    return this.#pool.outstanding - this.#stalled;
  }

  /** What may be in flight in all. */
  #bytes(): number {
    const roundtrip = this.#route.roundtrip();
    if (roundtrip === null) return Number.POSITIVE_INFINITY;
    if (roundtrip < NEAR_MILLISECONDS) return LEAST_BYTES;
    return Math.max(LEAST_BYTES, GAIN * this.#rate * roundtrip);
  }
}
