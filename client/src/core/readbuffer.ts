/** The buffer of an object, between the kernel and the program. buffer.h */

import { goneWithBuffer } from './strings.ts';

/** Its content is never asked for, and so in no program's hands. */
const EMPTY: Uint8Array = new Uint8Array();

/** Bytes read from the kernel and not yet handed out. */
export class ReadBuffer {
  #bytes = EMPTY;
  #length = 0;
  #first = 0;

  get isEmpty(): boolean {
    return this.#first >= this.#length;
  }

  /** Everything in it; a view. @throws TypeError when it is gone (see goneWithBuffer). */
  get content(): Uint8Array {
    if (this.#bytes.length < this.#length) throw goneWithBuffer();
    return this.#bytes.subarray(this.#first);
  }

  fill(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#length = bytes.length;
    this.#first = 0;
  }

  /** buffer_skip. */
  skip(count: number): void {
    this.#first += count;
    if (this.isEmpty) this.fill(EMPTY);
  }
}
