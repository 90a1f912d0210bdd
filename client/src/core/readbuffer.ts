/** The buffer of an object, between the kernel and the program. buffer.h */

/** Bytes read from the kernel and not yet handed out. */
export class ReadBuffer {
  #bytes: Uint8Array = new Uint8Array();
  #first = 0;

  get isEmpty(): boolean {
    return this.#first >= this.#bytes.length;
  }

  /** Everything in it; a view. */
  get content(): Uint8Array {
    return this.#bytes.subarray(this.#first);
  }

  fill(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#first = 0;
  }

  /** buffer_skip. */
  skip(count: number): void {
    this.#first += count;
    if (this.isEmpty) this.fill(new Uint8Array());
  }
}
