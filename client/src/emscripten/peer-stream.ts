/** A TCP connection that looks to SOCKFS like its WebSocket. */
import { END, Failure, type Stream, type Where } from '../core/channel.ts';
import { copied, Peer, type Unread } from './peer.ts';

/** Bytes that SOCKFS may hold unread before no more are handed to it. */
const MAX_UNREAD = 1024 * 1024;
/** Milliseconds until it is looked again whether the program has read some: about a frame. */
const LOOK_AGAIN = 16;
/** Bytes handed over at once. */
const PIECE = 64 * 1024;

export class StreamPeer extends Peer {
  readonly #stream: Stream | null;
  readonly #unread: Unread;
  #waiting: Uint8Array[] = [];
  #unsubscribe: () => void = () => {};
  #timer: ReturnType<typeof setTimeout> | undefined = undefined;

  /** `unread`: what SOCKFS has of it that the program has not read. */
  constructor(stream: Stream | Failure, where: Where, unread: Unread) {
    super();
    this.#unread = unread;
    this.#stream = stream instanceof Failure ? null : stream;
    if (stream instanceof Failure) {
      // SOCKFS sets its listeners when this has returned.
      queueMicrotask(() => this.ended(true));
      return;
    }
    this.#unsubscribe = stream.subscribe(() => this.#look());
    const started = stream.connect(where);
    const refused = (): void => {
      if (started.settled && started.result instanceof Failure) this.ended(true);
    };
    started.subscribe(refused);
    queueMicrotask(refused);
  }

  send(data: ArrayBuffer | Uint8Array): void {
    const bytes = copied(data);
    if (bytes.length === 0) return;
    this.#waiting.push(bytes);
    this.#flush();
  }

  protected release(): void {
    clearTimeout(this.#timer);
    const stream = this.#stream;
    if (stream === null) return;
    if (this.#waiting.length === 0 || !stream.established) {
      this.#unsubscribe();
      stream.close();
    }
    // Else what waits leaves first.
  }

  #look(): void {
    const stream = this.#stream;
    if (stream === null) return;
    this.#flush();
    if (this.readyState === this.CLOSED) {
      if (this.#waiting.length === 0 || stream.takeError() !== null) this.#drop(stream);
      return;
    }
    if (stream.established) {
      this.opened();
      this.#read(stream);
    } else if (stream.writable) {
      stream.takeError();
      this.ended(true);
    }
  }

  #drop(stream: Stream): void {
    this.#unsubscribe();
    this.#waiting = [];
    stream.close();
  }

  #read(stream: Stream): void {
    clearTimeout(this.#timer);
    while (this.readyState === this.OPEN) {
      if (this.#unread.reduce((sum, { data }) => sum + data.length, 0) >= MAX_UNREAD) {
        this.#timer = setTimeout(() => this.#read(stream), LOOK_AGAIN);
        return;
      }
      const got = stream.recv(PIECE);
      if (got === null) return;
      if (got === END || got instanceof Failure) this.ended(got !== END);
      else this.received(got);
    }
  }

  #flush(): void {
    const stream = this.#stream;
    if (stream === null) return;
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      const sent = stream.send(next, 0, next.length);
      if (sent instanceof Failure) {
        this.#waiting = [];
        return;
      }
      if (sent < next.length) {
        this.#waiting[0] = next.subarray(sent);
        return;
      }
      this.#waiting.shift();
    }
  }
}
