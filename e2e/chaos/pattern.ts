/** What the streams of the chaos run carry: bytes that tell their place, so that nothing is lost, doubled or moved unseen. */

/** Bytes repeat after a prime number of them, so that no shift by a power of two goes unseen. */
const PERIOD = 65_521;
const LONGEST = 256 * 1024;
const BYTES = Buffer.from(
  Array.from({ length: PERIOD + LONGEST }, (_, i) => Math.imul((i % PERIOD) + 1, 2_654_435_761) >>> 24),
);

/** One direction of one stream. Each begins elsewhere in the pattern. */
export class Flow {
  readonly name: string;
  sent = 0;
  received = 0;
  /** Where the first byte came that was not the next; null: none did. */
  wrongAt: number | null = null;
  /** The reader has seen the end. */
  ended = false;
  readonly #offset: number;

  constructor(name: string, number: number) {
    this.name = name;
    this.#offset = number * 1499;
  }

  /** The next `length` bytes to send. */
  next(length: number): Buffer {
    const bytes = this.#at(this.sent, length);
    this.sent += length;
    return bytes;
  }

  take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += LONGEST) {
      const part = bytes.subarray(at, at + LONGEST);
      if (!this.#at(this.received, part.length).equals(part)) this.wrongAt ??= this.received;
      this.received += part.length;
    }
  }

  /** Bytes that were sent and did not come. */
  get lost(): number {
    return Math.max(0, this.sent - this.received);
  }

  /** Bytes that came beyond those that were sent. */
  get doubled(): number {
    return Math.max(0, this.received - this.sent);
  }

  #at(index: number, length: number): Buffer {
    const from = (this.#offset + index) % PERIOD;
    return BYTES.subarray(from, from + length);
  }
}
