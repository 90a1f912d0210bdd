/**
 * What a program sends on a connection that it was told stands although the relay has not said so yet: it leaves when the
 * connection does stand, and so do the shutdown or close that follow.
 */
import type { Stream } from '../core/channel.ts';

/** Bytes that wait at most: about what Linux takes for a connection. */
const MAX_WAITING = 256 * 1024;

export class Outbox {
  readonly #stream: Stream;
  #waiting: Uint8Array[] = [];
  #size = 0;
  #last: (() => void)[] = [];
  #unsubscribe: (() => void) | null;

  constructor(stream: Stream) {
    this.#stream = stream;
    this.#unsubscribe = stream.subscribe(() => this.#flush());
  }

  /** Nothing waits any more: the stream itself is to be asked. */
  get done(): boolean {
    return this.#unsubscribe === null;
  }

  get room(): number {
    return MAX_WAITING - this.#size;
  }

  /** How much it took of what may not be changed afterwards. */
  add(bytes: Uint8Array): number {
    const taken = bytes.subarray(0, this.room);
    if (taken.length === 0) return 0;
    this.#waiting.push(taken);
    this.#size += taken.length;
    return taken.length;
  }

  /** Does something once everything has left. */
  after(action: () => void): void {
    this.#last.push(action);
  }

  #flush(): void {
    const stream = this.#stream;
    if (!stream.established) {
      // Refused: nobody is left to get it, and the next call hears of it.
      if (stream.writable) this.#finish();
      return;
    }
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      const sent = stream.send(next, 0, next.length);
      if (typeof sent !== 'number') break;
      this.#size -= sent;
      if (sent < next.length) {
        this.#waiting[0] = next.subarray(sent);
        return;
      }
      this.#waiting.shift();
    }
    this.#finish();
  }

  #finish(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    this.#waiting = [];
    for (const action of this.#last.splice(0)) action();
  }
}
