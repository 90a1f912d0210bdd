/**
 * Turns of the event loop, shared out among the WebSockets, so that the relay comes round to everybody soon however
 * much some of them ask for. One for the whole relay.
 *
 * What is left for later is done in the order in which it was left, as much in each turn as fits. It is not enough that
 * nobody takes a whole turn: fifty who take a millisecond each keep the fifty-first waiting as long. So what is done as it
 * comes counts, too, and when that is a turn's worth, those who have asked for much lately wait like the others. In runs of
 * `npm run fuzz` the median of a neighbour's echo fell from 27 to 10 ms in a flood of opens, from 29 to 11 in one of
 * connects; with odd messages of 48 clients p99 fell from 206 to 60.
 */

/** Milliseconds of a turn that those who have much to be done may take together, and one of them at least. */
const TOGETHER = 3;
const LEAST = 0.5;
/** Milliseconds after which those wait, too, who have asked for little: there may be very many of them. */
const ALL = 16;
/** Who has asked for more than so many milliseconds lately has asked for much. */
const MUCH = 1;
/** Milliseconds of work, not all in one turn perhaps, after which a turn is told from the next; a timer costs as much as a message. */
const NOTABLE = 1;

export class Shares {
  readonly #now: () => number;
  /** Milliseconds that were taken since the turn is known to have begun. */
  #taken = 0;
  #counting = false;
  #serving = false;
  #ending = false;
  readonly #light: (() => void)[] = [];
  readonly #heavy: (() => void)[] = [];
  #last: (() => void)[] = [];

  /** `now`: milliseconds on a clock that never runs backwards. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Milliseconds that one WebSocket may take of a turn. */
  get slice(): number {
    return Math.max(LEAST, TOGETHER / (1 + this.#waiting()));
  }

  /** Whether there is still room in this turn for somebody who has taken so many milliseconds lately. */
  hasRoom(lately: number): boolean {
    return lately > MUCH ? this.#waiting() === 0 && this.#taken < TOGETHER : this.#taken < ALL;
  }

  /** Something has been done as it came, which took so many milliseconds. */
  took(milliseconds: number): void {
    this.#taken += milliseconds;
    if (this.#counting || this.#taken < NOTABLE) return;
    this.#counting = true;
    setImmediate(() => {
      this.#counting = false;
      this.#taken = 0;
    });
  }

  /**
   * Calls `then` in a later turn, for somebody who has taken so many milliseconds lately: after those who wait already, and
   * after all who have asked for little, if that was much. It may not throw.
   */
  later(then: () => void, lately = Number.POSITIVE_INFINITY): void {
    if (lately > MUCH) this.#heavy.push(then);
    else this.#light.push(then);
    this.#serve();
  }

  /** Calls `then` at the end of this turn. It may not throw. */
  atEnd(then: () => void): void {
    this.#last.push(then);
    if (this.#ending) return;
    this.#ending = true;
    setImmediate(() => {
      this.#ending = false;
      const last = this.#last;
      this.#last = [];
      for (const each of last) each();
    });
  }

  #serve(): void {
    if (this.#serving) return;
    this.#serving = true;
    setImmediate(() => {
      this.#serving = false;
      const until = this.#now() + TOGETHER;
      // Who comes back has his turn after this one.
      const heavy = this.#heavy.length;
      for (let left = this.#light.length; left > 0 && this.#now() < until; left--) this.#light.shift()?.();
      // One at least, for those who ask for little may be very many.
      for (let left = heavy; left > 0; left--) {
        this.#heavy.shift()?.();
        if (this.#now() >= until) break;
      }
      if (this.#waiting() > 0) this.#serve();
    });
  }

  #waiting(): number {
    return this.#light.length + this.#heavy.length;
  }
}
