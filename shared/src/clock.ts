/**
 * An estimate of the other end's clock from probes (PING, PONG). Takes times, reads no clock.
 *
 * The offset is that of the probe with the smallest roundtrip among the last few, as NTP's clock filter has it
 * (RFC 5905, section 10): the less a probe waited in queues, the less its two ways can differ.
 */

/** Probes considered. Old ones must go, or drift would make the best of them wrong. */
const PROBES = 8;
/** How fast time goes on, at least, while an estimate that ran ahead waits for the truth to catch up. */
const SLOWEST = 0.5;

interface Probe {
  readonly roundtrip: number;
  readonly offset: number;
}

/** All times in seconds. Local times are on one local clock of any origin; theirs are since 1970. */
export class ClockEstimate {
  #probes: Probe[] = [];
  #offset = 0;
  #lastLocal = Number.NEGATIVE_INFINITY;
  #lastNow = Number.NEGATIVE_INFINITY;

  /** To be added to the local time; 0 before the first probe. */
  get offset(): number {
    return this.#offset;
  }

  /**
   * A probe: sent and answered at these local times, `theirTime` in the answer. One that ends before it began, or
   * holds no number, is passed over.
   */
  sample(sentAt: number, receivedAt: number, theirTime: number): void {
    const roundtrip = receivedAt - sentAt;
    const offset = theirTime + roundtrip / 2 - receivedAt;
    if (!(roundtrip >= 0) || !Number.isFinite(offset)) return;
    this.#probes = [...this.#probes.slice(1 - PROBES), { roundtrip, offset }];
    // At equal roundtrips the newest is best.
    let best = this.#probes[0];
    for (const probe of this.#probes) if (!best || probe.roundtrip <= best.roundtrip) best = probe;
    if (best) this.#offset = best.offset;
  }

  /**
   * Their time at local time `local`. Never runs backwards: when a better probe shows that it was ahead, it goes on
   * at half the pace until it is right, so that a program that divides by a difference never sees it stand still.
   */
  now(local: number): number {
    const passed = Math.max(0, local - this.#lastLocal);
    const slowest = this.#lastNow + (Number.isFinite(passed) ? passed * SLOWEST : 0);
    this.#lastNow = Math.max(local + this.#offset, slowest);
    this.#lastLocal = Math.max(local, this.#lastLocal);
    return this.#lastNow;
  }
}
