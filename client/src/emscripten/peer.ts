/** What SOCKFS uses of a WebSocket. */

/** The states of a WebSocket, which SOCKFS reads from the object itself. */
const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

type Listener<E> = ((event: E) => void) | null;

/** What has come on a socket of SOCKFS and was not read. */
export type Unread = { addr: string; port: number; data: Uint8Array }[];

export abstract class Peer {
  readonly CONNECTING = CONNECTING;
  readonly OPEN = OPEN;
  readonly CLOSING = CLOSING;
  readonly CLOSED = CLOSED;
  binaryType = 'arraybuffer';
  onopen: Listener<{ readonly type: 'open' }> = null;
  onmessage: Listener<{ readonly data: ArrayBuffer }> = null;
  onerror: Listener<{ readonly type: 'error' }> = null;
  onclose: Listener<{ readonly type: 'close' }> = null;
  #state: number = CONNECTING;

  get readyState(): number {
    return this.#state;
  }

  abstract send(data: ArrayBuffer | Uint8Array): void;
  /** Closes what stands behind it. */
  protected abstract release(): void;

  close(): void {
    if (this.#state >= CLOSING) return;
    this.#state = CLOSED;
    this.release();
  }

  protected opened(): void {
    if (this.#state !== CONNECTING) return;
    this.#state = OPEN;
    this.onopen?.({ type: 'open' });
  }

  protected received(bytes: Uint8Array): void {
    if (this.#state === OPEN) this.onmessage?.({ data: new Uint8Array(bytes).buffer });
  }

  /** It ended, or never was. */
  protected ended(failed: boolean): void {
    if (this.#state === CLOSED) return;
    this.#state = CLOSED;
    if (failed) this.onerror?.({ type: 'error' });
    this.onclose?.({ type: 'close' });
    this.release();
  }
}

/** A copy, since the program goes on using its memory. */
export function copied(data: ArrayBuffer | Uint8Array): Uint8Array {
  return data instanceof Uint8Array ? new Uint8Array(data) : new Uint8Array(data.slice(0));
}
