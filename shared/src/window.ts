/**
 * How large a credit pool should be: twice what is on its way in one round trip (the bandwidth-delay product), as the
 * receiver of the data measures it. Pure: it is told times and reads no clock.
 *
 * Prior art: gRPC's BDP estimator (grpc-go, internal/transport/bdp_estimator.go) counts what comes in while a PING is
 * under way and makes the window twice that; Linux (tcp_rcv_space_adjust in net/ipv4/tcp_input.c) counts what the
 * program has taken in one round trip, likewise. What differs here, and why:
 * - What was taken is counted, as in Linux: a program that reads slowly needs no larger pool. It is counted over two
 *   round trips or more, so that a pool full of arrears that is emptied at once does not look like bandwidth.
 * - The round trip is the smallest one seen, not that of the moment (gRPC): a PING that waits behind the data measures
 *   the queue that the pool allows, which would make the pool larger, and the queue.
 * - Within 5 ms nothing grows, so loopback keeps its memory and its latency: there a PING measures turns of event loops.
 * - It never shrinks, for credit that was given cannot be taken back.
 *
 * Measured in Node 20 through a proxy that holds every byte back (MiB/s, down and up; relay and client in one process):
 *
 *   round trip            1 MiB     growing, start included    grown
 *   10 ms (to 4 MiB)     56   49           107  103           128  119
 *   50 ms (to 8 MiB)     15   15            79   79           101   92
 *   100 ms (to 8 MiB)     8    8            45   46            58   58
 */
import { POOL_MAX } from './limits.ts';

/** The shortest time to measure a rate over: timers and the turns of an event loop are coarse. */
const INTERVAL_MILLISECONDS = 100;
/** As a multiple of the round trip. */
const INTERVAL_ROUNDTRIPS = 2;
/** A sender that is held back by nothing but the pool shows at least half of its size: 4/5 less what is told late. */
const HEADROOM = 2;
/** Who is nearer than that is not held back: 1 MiB of credit within 5 ms is more than a gigabit a second. */
export const NEAR_MILLISECONDS = 5;
/** Pools grow to multiples of this: bytes. */
const STEP = 64 * 1024;

export class WindowTuner {
  readonly #pool: { readonly size: number };
  /** When the interval under way began, and what was taken in it. */
  #since: number | null = null;
  #bytes = 0;

  /** `pool` is as large as its owner has let it grow. */
  constructor(pool: { readonly size: number }) {
    this.#pool = pool;
  }

  /**
   * `bytes` were taken. Answers by how many bytes the pool should grow now; 0 as a rule.
   * @param nowMs milliseconds on any monotonic clock.
   * @param roundtripMs the smallest round trip seen; null: not known yet.
   */
  took(bytes: number, nowMs: number, roundtripMs: number | null): number {
    if (this.#since === null || roundtripMs === null || roundtripMs < NEAR_MILLISECONDS) {
      // Whatever is taken first was sent before.
      this.#since = nowMs;
      this.#bytes = 0;
      return 0;
    }
    this.#bytes += bytes;
    const interval = nowMs - this.#since;
    if (interval < Math.max(INTERVAL_MILLISECONDS, INTERVAL_ROUNDTRIPS * roundtripMs)) return 0;
    const need = HEADROOM * (this.#bytes / interval) * roundtripMs;
    this.#since = nowMs;
    this.#bytes = 0;
    const { size } = this.#pool;
    if (need <= size) return 0;
    const wanted = Math.min(Math.ceil(need / STEP) * STEP, 2 * size, POOL_MAX);
    return Math.max(0, wanted - size);
  }
}
