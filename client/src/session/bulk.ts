/**
 * DATA of a program that sends more than the connection takes: put together in memory, so that a frame is just as large as
 * Chromium can pass on in one go. It hands a message to its network process through 64 KiB; where the rest of one waits
 * for room, the two processes take turns. In an upload by pieces of 64 KiB every message was 12 bytes too long for that,
 * which cost a sixth of the throughput, with the plainest relay as with ours.
 */
import { DATA_HEADER, frameInPlace } from '@luasocket-web/shared/codec';
import type { FrameOf } from '@luasocket-web/shared/frames';
import { MAX_DATA } from '@luasocket-web/shared/limits';
import { LARGE_BYTES } from './frame-memory.ts';
import type { Outbox } from './wire.ts';

/** Bytes of a full frame, header included: twice what goes in one go. */
const FRAME_BYTES = 128 * 1024;

export interface BulkOptions {
  readonly outbox: Pick<Outbox, 'busy' | 'room'>;
  /** Sends a frame that is still to be encoded. */
  readonly emit: (frame: FrameOf<'data'>) => void;
  /** Sends one that is encoded. */
  readonly ready: (frame: FrameOf<'data'>, encoded: Uint8Array) => void;
}

export class Bulk {
  readonly #options: BulkOptions;
  #socket = 0;
  /** The frame that is being filled; null: none. */
  #frame: Uint8Array | null = null;
  #filled = 0;

  constructor(options: BulkOptions) {
    this.#options = options;
  }

  /** Sends bytes of a stream, in as many frames as it takes; they are copied. What is put together is sent by `flush`. */
  send(socket: number, bytes: Uint8Array): void {
    const { outbox, emit } = this.#options;
    const isBulk = bytes.length > LARGE_BYTES && outbox.busy;
    if (!isBulk || socket !== this.#socket) this.flush();
    if (isBulk) this.#add(socket, bytes);
    else {
      for (let at = 0; at < bytes.length; at += MAX_DATA) {
        emit({ type: 'data', socket, payload: bytes.subarray(at, at + MAX_DATA) });
      }
    }
  }

  /** The relay has told something. Bulk waits only while it has more to acknowledge: then it will tell something again. */
  heard(): void {
    if (this.#frame !== null && !this.#options.outbox.busy) this.flush();
  }

  /** Lets go what has been put together. */
  flush(): void {
    const frame = this.#frame;
    if (frame === null) return;
    this.#frame = null;
    const socket = this.#socket;
    const payload = frame.subarray(DATA_HEADER, this.#filled);
    this.#options.ready({ type: 'data', socket, payload }, frameInPlace(socket, payload));
  }

  /** Forgets it: there is nobody to send it to. */
  clear(): void {
    this.#frame = null;
  }

  #add(socket: number, bytes: Uint8Array): void {
    this.#socket = socket;
    for (let at = 0; at < bytes.length; ) {
      const frame = this.#frame ?? this.#begin();
      const part = bytes.subarray(at, at + frame.length - this.#filled);
      frame.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === frame.length) this.flush();
    }
  }

  #begin(): Uint8Array {
    this.#filled = DATA_HEADER;
    this.#frame = this.#options.outbox.room(FRAME_BYTES);
    return this.#frame;
  }
}
