/** When the client is told what has come: with what goes out once that is due, and a second after it came at the latest. */
import type { Link } from '@luasocket-web/shared/link';
import type { Clock } from './parts.ts';

export class Acknowledging {
  readonly #link: Link;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #due: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** `due`: an ACK should go out soon; it asks for it by `take`. */
  constructor(link: Link, clock: Pick<Clock, 'monotonic'>, due: () => void) {
    this.#link = link;
    this.#clock = clock;
    this.#due = due;
  }

  /** Something may have come. */
  look(): void {
    const now = this.#clock.monotonic();
    if (this.#link.ackDue(now)) {
      this.#due();
      return;
    }
    const at = this.#link.ackAt();
    if (at === Number.POSITIVE_INFINITY || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // Timers may be a little early; then it is not due yet.
      this.look();
    }, at - now).unref();
  }

  /** The number for an ACK, which counts as told; null when none is due. */
  take(): number | null {
    return this.#link.ackDue(this.#clock.monotonic()) ? this.#link.takeAck() : null;
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
