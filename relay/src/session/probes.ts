/**
 * PINGs of one WebSocket and what their PONGs tell: the smallest round trip. A new WebSocket may go another way, so each
 * has its own. It is not forgotten after a while: while bulk goes, each PING waits behind the bytes that this very number lets be on
 * their way, and would make them more and more. Sends nothing, reads no clock.
 */

/** Answers at the start after which another probe goes out at once: an early good value, before there is a queue. */
const BURST = 3;
/** Probes under way that are remembered; an answer that takes longer than that tells nothing. */
const REMEMBERED = 8;

export class Probes {
  readonly #sentAt = new Map<number, number>();
  #token = 0;
  #answered = 0;
  #roundtrip: number | null = null;

  /** The smallest round trip, in milliseconds; null before the first. */
  get roundtrip(): number | null {
    return this.#roundtrip;
  }

  /** A PING goes out at `now` (milliseconds on any monotonic clock); answers its token. */
  begin(now: number): number {
    this.#sentAt.set(++this.#token, now);
    this.#sentAt.delete(this.#token - REMEMBERED);
    return this.#token;
  }

  /** A PONG has come. Answers whether another PING is to follow at once. One that nobody asked for tells nothing. */
  answered(token: number, now: number): boolean {
    const sentAt = this.#sentAt.get(token);
    if (sentAt === undefined) return false;
    this.#sentAt.delete(token);
    this.#roundtrip = Math.min(this.#roundtrip ?? Number.POSITIVE_INFINITY, now - sentAt);
    return ++this.#answered < BURST;
  }
}
