/**
 * Signs of life, and the relay's clock: PING at a steady pace while a WebSocket is up, a few more at its start. The
 * relay counts as dead when nothing was heard for some pings in a row. Turns of our own timer are counted, not time:
 * a page that was suspended or stopped in a debugger must hear what has come meanwhile before it judges.
 */
import type { ClockEstimate } from '@luasocket-web/shared/clock';
import { DEAD_MILLISECONDS, PING_MILLISECONDS } from '@luasocket-web/shared/limits';
import type { Host } from './host.ts';

/** Probes in quick succession after connecting, for an early good estimate of the clock. */
const BURST = 4;
/** Probes under way that are remembered; an answer that takes longer than that tells nothing. */
const REMEMBERED = 8;

export interface KeepaliveEvents {
  ping(token: number): void;
  dead(): void;
}

export class Keepalive {
  readonly #host: Host;
  readonly #clock: ClockEstimate;
  readonly #events: KeepaliveEvents;
  readonly #sentAt = new Map<number, number>();
  #token = 0;
  #burst = 0;
  #silentTurns = 0;
  #roundtrip: number | null = null;
  #cancel: (() => void) | null = null;

  constructor(host: Host, clock: ClockEstimate, events: KeepaliveEvents) {
    this.#host = host;
    this.#clock = clock;
    this.#events = events;
  }

  /**
   * The smallest roundtrip over this WebSocket, in seconds; null before the first. Not the smallest lately: while bulk goes, each probe
   * waits behind the bytes that this very number lets be on their way, and would make them more and more.
   */
  get roundtrip(): number | null {
    return this.#roundtrip;
  }

  start(): void {
    this.stop();
    this.#burst = BURST;
    // Another WebSocket may go another way.
    this.#roundtrip = null;
    this.#silentTurns = 0;
    this.#probe();
    this.#arm();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#sentAt.clear();
  }

  /** Something came from the relay. */
  heard(): void {
    this.#silentTurns = 0;
  }

  pong(token: number, time: number): void {
    const sentAt = this.#sentAt.get(token);
    if (sentAt === undefined) return;
    this.#sentAt.delete(token);
    const now = this.#host.now();
    const roundtrip = (now - sentAt) / 1000;
    this.#roundtrip = Math.min(this.#roundtrip ?? roundtrip, roundtrip);
    this.#clock.sample(sentAt / 1000, now / 1000, time);
    if (this.#burst > 0) this.#probe();
  }

  #arm(): void {
    this.#cancel = this.#host.after(PING_MILLISECONDS, () => {
      this.#silentTurns++;
      // The first turn may have come right after the last sign of life.
      if ((this.#silentTurns - 1) * PING_MILLISECONDS >= DEAD_MILLISECONDS) return this.#events.dead();
      this.#probe();
      this.#arm();
    });
  }

  #probe(): void {
    this.#burst--;
    const token = ++this.#token;
    this.#sentAt.set(token, this.#host.now());
    if (this.#sentAt.size > REMEMBERED) this.#sentAt.delete(token - REMEMBERED);
    this.#events.ping(token);
  }
}
