/**
 * First come, first served: the queues of one object, one per direction. JavaScript can call a method before the last
 * call has answered, which Lua cannot; answers must not be mixed then.
 */
import type { Direction } from './waiter.ts';

type Queued = Exclude<Direction, 'free'>;

interface Entry {
  readonly start: () => void;
  /** How many set-up calls came before this one: it waits for them. */
  readonly after: number;
}

interface Lane {
  busy: boolean;
  readonly waiting: Entry[];
}

export class Lanes {
  readonly #in: Lane = { busy: false, waiting: [] };
  readonly #out: Lane = { busy: false, waiting: [] };
  readonly #setup: Lane = { busy: false, waiting: [] };
  #setupsBegun = 0;
  #setupsDone = 0;

  /** Calls `start` when it is its turn, perhaps at once. Whoever started calls `done`, once. */
  enter(direction: Queued, start: () => void): void {
    // Set-up calls come one after the other anyhow.
    const after = direction === 'setup' ? 0 : this.#setupsBegun;
    if (direction === 'setup') this.#setupsBegun += 1;
    const lane = this.#lane(direction);
    if (lane.busy || lane.waiting.length > 0 || after > this.#setupsDone) {
      lane.waiting.push({ start, after });
      return;
    }
    lane.busy = true;
    start();
  }

  done(direction: Queued): void {
    const lane = this.#lane(direction);
    lane.busy = false;
    if (direction === 'setup') {
      this.#setupsDone += 1;
      this.#next(this.#in);
      this.#next(this.#out);
    }
    this.#next(lane);
  }

  #lane(direction: Queued): Lane {
    return direction === 'in' ? this.#in : direction === 'out' ? this.#out : this.#setup;
  }

  #next(lane: Lane): void {
    const [head] = lane.waiting;
    if (lane.busy || head === undefined || head.after > this.#setupsDone) return;
    lane.busy = true;
    lane.waiting.shift();
    head.start();
  }
}
