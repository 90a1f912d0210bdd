/** Gathers encoded frames into one WebSocket message: one message per turn is what makes small frames cheap. */
import { ProtocolError } from '../errors.ts';
import { MAX_MESSAGE } from '../limits.ts';
import { Slab } from './slab.ts';

export class MessageWriter {
  readonly #slab = new Slab();
  #frames: Uint8Array[] = [];
  #size = 0;

  /** Bytes of the message so far. */
  get size(): number {
    return this.#size;
  }

  /** Whether a frame of `bytes` bytes still goes into this message. */
  fits(bytes: number): boolean {
    return this.#size + bytes <= MAX_MESSAGE;
  }

  /** `encoded` is kept until `take`. @throws ProtocolError `internal` when it does not fit: the caller takes first. */
  add(encoded: Uint8Array): void {
    if (!this.fits(encoded.length)) {
      throw new ProtocolError('internal', `a message of ${this.#size + encoded.length} bytes`);
    }
    this.#frames.push(encoded);
    this.#size += encoded.length;
  }

  /** The message, and the next one begins; null when there is nothing in it. A single frame is not copied. */
  take(): Uint8Array | null {
    const [first] = this.#frames;
    if (!first) return null;
    let message = first;
    if (this.#frames.length > 1) {
      message = this.#slab.take(this.#size);
      let at = 0;
      for (const frame of this.#frames) {
        message.set(frame, at);
        at += frame.length;
      }
    }
    this.#frames = [];
    this.#size = 0;
    return message;
  }
}
