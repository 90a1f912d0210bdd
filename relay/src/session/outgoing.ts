/**
 * The way out to one client: frames are gathered into a message, and a message is written to the WebSocket's own
 * connection with its RFC 6455 header (section 5.2; binary, final, not masked) laid in front, as one buffer. A frame that
 * goes alone and has room before it is not copied at all.
 *
 * `ws` would write header and message as two buffers with a bag of options and a callback for each message; it stays
 * in charge of all else. What we write are whole WebSocket frames, and so is what it writes, so the two mix. In a profile of
 * echoes of 64 bytes the two buffers of a `writev` were the largest line, a quarter of the relay's time.
 */
import type { Duplex } from 'node:stream';
import { MessageWriter } from '@luasocket-web/shared/codec';
import { FINAL, LENGTH_16, LENGTH_64, OPCODE } from './rfc6455.ts';

/** Bytes of the longest header that a server's frame has. */
export const HEADER_BYTES = 10;

export class Outgoing {
  readonly #stream: Duplex;
  readonly #writer = new MessageWriter(HEADER_BYTES);

  /** `stream`: the connection of a WebSocket that is open. */
  constructor(stream: Duplex) {
    this.#stream = stream;
  }

  /** Bytes of the message so far. */
  get size(): number {
    return this.#writer.size;
  }

  /** Bytes that the connection has not taken yet. */
  get waiting(): number {
    return this.#stream.writableLength;
  }

  /** Calls back whenever all that was waiting is taken. */
  onDrained(drained: () => void): void {
    this.#stream.on('drain', drained);
  }

  /** Whether a frame of `bytes` bytes still goes into this message. */
  fits(bytes: number): boolean {
    return this.#writer.fits(bytes);
  }

  /** `roomy`: the HEADER_BYTES before the frame are free. */
  add(encoded: Uint8Array, roomy: boolean): void {
    this.#writer.add(encoded, roomy);
  }

  /** Sends the message, if there is anything in it. */
  flush(): void {
    const message = this.#writer.take();
    if (message) this.#stream.write(withHeader(message));
  }

  /** Forgets what was gathered. */
  clear(): void {
    this.#writer.take();
  }
}

/** `message` as a WebSocket frame; its header is laid into the bytes before it. */
function withHeader(message: Uint8Array): Buffer {
  const { length, buffer } = message;
  const header = length < LENGTH_16 ? 2 : length <= 0xffff ? 4 : HEADER_BYTES;
  // A Buffer, for a stream makes one of any other bytes.
  const frame = Buffer.from(buffer, message.byteOffset - header, header + length);
  frame[0] = FINAL | OPCODE.binary;
  if (header === 2) {
    frame[1] = length;
  } else if (header === 4) {
    frame[1] = LENGTH_16;
    frame[2] = length >>> 8;
    frame[3] = length;
  } else {
    // No message is longer than 32 bits tell.
    frame[1] = LENGTH_64;
    frame.fill(0, 2, 6);
    frame[6] = length >>> 24;
    frame[7] = length >>> 16;
    frame[8] = length >>> 8;
    frame[9] = length;
  }
  return frame;
}
