/**
 * Memory that a session's connections read into. What is read gets its frame's header laid in front of it and is kept,
 * unmoved, until the client has acknowledged it: no copy on the way, and no garbage. Measured against a fresh buffer
 * for each read and a copy for each frame, relay CPU for a GiB fell from 2.9 s to a quarter of that; most of it was
 * filling new memory with zeros and collecting it.
 *
 * Memory is handed out in chunks, and a chunk is used again when nothing of it is referred to any more. The pool is one
 * session's own: a client that acknowledges what it has not received could have a chunk used again too soon, and must
 * find nobody's bytes in it but its own.
 */

/** Bytes before each payload that belong to whom it is given to: for the header of a DATA and that of a WebSocket frame. */
export const HEADROOM = 24;
/** Chunks for copies grow from the first size to the second, so that a quiet session stays small. */
const FIRST_BYTES = 8 * 1024;
const SHARED_BYTES = 128 * 1024;
/** A chunk that a connection has for itself. */
const CHUNK_BYTES = 512 * 1024;
/** Unused chunks that are kept while a connection is busy; others go back to the system. */
const SPARE_CHUNKS = 3;
/** Connections of a session that may have a chunk for themselves. The others' reads are copied, which bounds memory. */
const LENT_CHUNKS = 2;

/** Below it a loop is faster than a call, and the view that it takes. */
const SHORT_BYTES = 128;

interface Chunk {
  readonly bytes: Uint8Array;
  /** Payloads in it that somebody still needs, and 1 while it is being filled. */
  references: number;
}

export class ReadBuffers {
  /** The most that the connection which has just read reads next, bytes. Its own limit may be lower (see Intake). */
  readBytes = Number.POSITIVE_INFINITY;
  /** By their memory, which is what a view of a chunk has in common with it. */
  readonly #chunks = new Map<ArrayBufferLike, Chunk>();
  readonly #spare: Chunk[] = [];
  /** The chunk that copies go to, and how far it is filled. */
  #shared: Chunk | null = null;
  #filled = 0;
  #nextBytes = FIRST_BYTES;
  #lent = 0;

  /** A copy of the first `bytes` bytes of `source`, with headroom, referred to once. */
  copy(source: Uint8Array, bytes = source.length): Uint8Array {
    const chunk = this.#room(HEADROOM + bytes);
    const at = this.#filled + HEADROOM;
    this.#filled = at + bytes;
    chunk.references++;
    const kept = new Uint8Array(chunk.bytes.buffer, at, bytes);
    if (bytes < SHORT_BYTES) for (let i = 0; i < bytes; i++) kept[i] = source[i] as number;
    else kept.set(source.subarray(0, bytes));
    return kept;
  }

  /** A chunk for a connection that has much to read, to be filled from the front; null when enough of them are lent. */
  lend(): Uint8Array | null {
    if (this.#lent === LENT_CHUNKS) return null;
    this.#lent++;
    return this.#chunk(CHUNK_BYTES).bytes;
  }

  /** The connection fills its chunk no further; it may ask for another at once. */
  giveBack(chunk: Uint8Array): void {
    this.#lent--;
    this.release(chunk);
  }

  /** A connection is busy no more. */
  calm(): void {
    if (this.#lent === 0) for (const { bytes } of this.#spare.splice(0)) this.#chunks.delete(bytes.buffer);
  }

  /** A payload of a chunk is referred to once more. */
  retain(view: Uint8Array): void {
    const chunk = this.#chunks.get(view.buffer);
    if (chunk) chunk.references++;
  }

  /** What `view` shows is needed once less. Memory that is not of these chunks is nobody's business here. */
  release(view: Uint8Array): void {
    const chunk = this.#chunks.get(view.buffer);
    if (!chunk || --chunk.references > 0) return;
    const isSpare = this.#lent > 0 && chunk.bytes.length === CHUNK_BYTES && this.#spare.length < SPARE_CHUNKS;
    if (isSpare) this.#spare.push(chunk);
    else this.#chunks.delete(view.buffer);
  }

  #room(bytes: number): Chunk {
    if (this.#shared && this.#filled + bytes <= this.#shared.bytes.length) return this.#shared;
    if (this.#shared) this.release(this.#shared.bytes);
    this.#shared = this.#chunk(Math.max(this.#nextBytes, bytes));
    this.#filled = 0;
    this.#nextBytes = Math.min(this.#nextBytes * 2, SHARED_BYTES);
    return this.#shared;
  }

  #chunk(size: number): Chunk {
    const spare = size === CHUNK_BYTES ? this.#spare.pop() : undefined;
    // Not filled with zeros, and not of Node's own pool: only what was read into it is ever shown to anybody.
    const chunk = spare ?? { bytes: new Uint8Array(Buffer.allocUnsafeSlow(size).buffer), references: 0 };
    chunk.references = 1;
    this.#chunks.set(chunk.bytes.buffer, chunk);
    return chunk;
  }
}
