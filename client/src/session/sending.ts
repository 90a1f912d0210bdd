/**
 * Encoded frames on their way out, in order. A request waits while as many as the relay takes are unanswered, and so do all
 * sequenced frames that come after it.
 */
import type { ClientFrame } from '@luasocket-web/shared/frames';
import { MAX_PENDING_REQUESTS } from '@luasocket-web/shared/limits';
import { isSequenced } from '@luasocket-web/shared/link';
import type { FrameTap } from './tap.ts';
import type { Outbox } from './wire.ts';

/** A frame and its bytes. */
export interface Encoded {
  readonly frame: ClientFrame;
  readonly bytes: Uint8Array;
}

export class Sending {
  readonly #outbox: Outbox;
  readonly #tap: FrameTap;
  /** Requests that were sent and are not answered. */
  #unanswered = 0;
  /** A request that has to wait, and what came after it. */
  #waiting: Encoded[] = [];

  constructor(outbox: Outbox, tap: FrameTap) {
    this.#outbox = outbox;
    this.#tap = tap;
  }

  add(encoded: Encoded): void {
    if (this.#waiting.length === 0 || !isSequenced(encoded.frame.type)) this.#send(encoded);
    else this.#waiting.push(encoded);
  }

  /** A request was answered. */
  answered(): void {
    this.#unanswered--;
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const encoded of waiting) {
      if (this.#waiting.length === 0) this.#send(encoded);
      else this.#waiting.push(encoded);
    }
  }

  /** Forgets what waits. */
  clear(): void {
    this.#waiting = [];
  }

  #send(encoded: Encoded): void {
    const { frame, bytes } = encoded;
    if (frame.type !== 'data' && frame.type !== 'datagram' && 'request' in frame) {
      if (this.#unanswered >= MAX_PENDING_REQUESTS) {
        this.#waiting.push(encoded);
        return;
      }
      this.#unanswered++;
    }
    if (this.#tap.listening) this.#tap.frame('sent', frame, bytes.length);
    this.#outbox.send(bytes, isSequenced(frame.type), frame.type !== 'credit');
  }
}
