/** Gathers encoded frames into one WebSocket message: one message per turn is what makes small frames cheap. */
import { ProtocolError } from '../errors.ts';
import { MAX_MESSAGE } from '../limits.ts';
import { Slab } from './slab.ts';

export class MessageWriter {
  readonly #headroom: number;
  readonly #slab = new Slab();
  #frames: Uint8Array[] = [];
  #size = 0;
  /** The first frame has the headroom. */
  #roomy = false;

  /** `headroom`: bytes before each message that are to be free for whoever takes it. */
  constructor(headroom = 0) {
    this.#headroom = headroom;
  }

  /** Bytes of the message so far. */
  get size(): number {
    return this.#size;
  }

  /** Whether a frame of `bytes` bytes still goes into this message. */
  fits(bytes: number): boolean {
    return this.#size + bytes <= MAX_MESSAGE;
  }

  /**
   * `encoded` is kept until `take`. `roomy`: it has the headroom before it.
   * @throws ProtocolError `internal` when it does not fit: the caller takes first.
   */
  add(encoded: Uint8Array, roomy = this.#headroom === 0): void {
    if (!this.fits(encoded.length)) {
      throw new ProtocolError('internal', `a message of ${this.#size + encoded.length} bytes`);
    }
    if (this.#size === 0) this.#roomy = roomy;
    this.#frames.push(encoded);
    this.#size += encoded.length;
  }

  /** The message, and the next one begins; null when there is nothing in it. A single frame with headroom is not copied. */
  take(): Uint8Array | null {
    const [first] = this.#frames;
    if (!first) return null;
    let message = first;
    if (this.#frames.length > 1 || !this.#roomy) {
      message = this.#slab.take(this.#headroom + this.#size).subarray(this.#headroom);
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
