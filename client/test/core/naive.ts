/**
 * receive, a second time: byte by byte, straight from LuaSocket's description of it, and sharing nothing with the code
 * under test. The peer is a list of what arrives when.
 */

export interface Arrival {
  /** Milliseconds after the start. */
  readonly at: number;
  readonly bytes: readonly number[];
}

export type Ending = { readonly at: number; readonly kind: 'fin' | 'rst' };

export interface Received {
  readonly value: string | null;
  readonly error: string | null;
  readonly partial: string | null;
  readonly dirty: boolean;
  readonly counted: number;
  /** Milliseconds after the start. */
  readonly now: number;
}

const text = (bytes: readonly number[]) => String.fromCharCode(...bytes);

export class NaiveReceiver {
  now = 0;
  block = -1;
  total = -1;
  #start = 0;
  #buffer: number[] = [];
  #taken = 0;
  #counted = 0;
  #reset = false;
  readonly #arrivals: readonly Arrival[];
  readonly #ending: Ending;

  constructor(arrivals: readonly Arrival[], ending: Ending) {
    this.#arrivals = arrivals;
    this.#ending = ending;
  }

  receive(pattern: string | number, prefix: string): Received {
    this.#start = this.now;
    const out = [...prefix].map((char) => char.charCodeAt(0));
    const error = this.#pattern(pattern, prefix, out);
    const result = error === null ? [text(out), null, null] : [null, error, text(out)];
    const [value, , partial] = result as [string | null, string | null, string | null];
    return { value, error, partial, dirty: this.#buffer.length > 0, counted: this.#counted, now: this.now };
  }

  #pattern(pattern: string | number, prefix: string, out: number[]): string | null {
    if (typeof pattern === 'number') {
      if (prefix.length > 0 && pattern <= prefix.length) return null;
      for (let left = pattern - prefix.length; ; left--) {
        const error = this.#need();
        if (error !== null) return error;
        if (left === 0) return null;
        out.push(this.#next());
        if (left === 1) return null;
      }
    }
    let some = false;
    for (;;) {
      const error = this.#need();
      if (pattern === '*a' && error === 'closed' && !this.#reset && some) return null;
      if (error !== null) return error;
      const byte = this.#next();
      some = true;
      if (pattern === '*l' && byte === 10) return null;
      if (pattern === '*a' || byte !== 13) out.push(byte);
    }
  }

  #next(): number {
    this.#counted += 1;
    return this.#buffer.shift() as number;
  }

  /** Sees to it that the buffer holds a byte. */
  #need(): string | null {
    this.#reset = false;
    while (this.#buffer.length === 0) {
      const here = this.#arrivals.flatMap(({ at, bytes }) => (at <= this.now ? bytes : []));
      if (here.length > this.#taken) {
        this.#buffer = here.slice(this.#taken, this.#taken + 8192);
        this.#taken += this.#buffer.length;
      } else if (this.#ending.at <= this.now) {
        this.#reset = this.#ending.kind === 'rst';
        return 'closed';
      } else {
        const limit = this.#limit();
        const next = Math.min(...[...this.#arrivals, this.#ending].map(({ at }) => at).filter((at) => at > this.now));
        if (limit === 0) return 'timeout';
        if (next > this.now + limit) {
          this.now += limit;
          return 'timeout';
        }
        this.now = next;
      }
    }
    return null;
  }

  /** The limit of a wait that begins now, in whole milliseconds. */
  #limit(): number {
    const spent = this.now - this.#start;
    let limit = Number.POSITIVE_INFINITY;
    if (this.block >= 0 && this.total >= 0) limit = Math.min(this.block, Math.max(this.total - spent, 0));
    else if (this.block >= 0) limit = Math.max(this.block - spent, 0);
    else if (this.total >= 0) limit = Math.max(this.total - spent, 0);
    return Math.floor(limit);
  }
}
