/** Virtual time: what is to happen happens in order, as fast as it can be computed. */

interface Event {
  readonly at: number;
  readonly run: () => void;
}

export class Timeline {
  /** Milliseconds. */
  now = 0;
  #events: Event[] = [];

  /** Runs `run` at time `at` (now, if that has passed); of one time, what was asked for first comes first. */
  at(at: number, run: () => void): void {
    const event = { at: Math.max(at, this.now), run };
    let index = this.#events.length;
    while (index > 0 && (this.#events[index - 1]?.at ?? 0) > event.at) index--;
    this.#events.splice(index, 0, event);
  }

  after(milliseconds: number, run: () => void): void {
    this.at(this.now + milliseconds, run);
  }

  /** Until nothing is left to happen. Time without end is a failure. */
  run(until = 3_600_000): void {
    for (let event = this.#events.shift(); event; event = this.#events.shift()) {
      if (event.at > until) throw new Error(`still busy after ${until} ms`);
      this.now = event.at;
      event.run();
    }
  }
}
