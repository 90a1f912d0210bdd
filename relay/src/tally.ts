/**
 * What a relay has done so far, in numbers. Plain counters, since some are counted for every datagram; metrics.ts shows
 * them. Labels come from short lists of ours, never from what clients send.
 */
export class Tally {
  /** Payload to and from peers, bytes. */
  readonly bytes = { tcp: { in: 0, out: 0 }, udp: { in: 0, out: 0 } };
  readonly denials = new Counts();
  /** Limits that refused something, by their names. */
  readonly limits = new Counts();
  /** Faults that ended a WebSocket, and mostly its session, by code. */
  readonly faults = new Counts();
  /** Datagrams that were not passed on, by reason. */
  readonly dropped = new Counts();
  /** Sessions that were begun, resumed and lost, and resumes refused. */
  readonly sessions = new Counts();
  /** What Redis was asked about and did not answer. */
  readonly storeFailures = new Counts();
}

/** Numbers by name. */
export class Counts implements Iterable<readonly [name: string, count: number]> {
  readonly #counts = new Map<string, number>();

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  [Symbol.iterator](): IterableIterator<[string, number]> {
    return this.#counts[Symbol.iterator]();
  }
}
