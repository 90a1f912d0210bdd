/**
 * The TCP connection that a WebSocket goes over, taken out of the HTTP server's hands: a socket that reads into memory
 * which its reader chooses. HTTP server and `ws` go on as though nothing had happened, and end when it does.
 */
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { takeHandle } from './sockets/handle.ts';

/** Who takes what is read. */
export interface Reader {
  /** Where the next read goes. */
  next(): Uint8Array;
  /** A read has put so many bytes there. */
  read(bytes: number): void;
}

export class Carrier {
  /** To write to, and what `ws` is given. It emits no `data` by itself. */
  readonly socket: Socket;
  /** What is read into at first. */
  readonly memory: Buffer;
  #reader: Reader | null = null;
  /** What came together with the request for the WebSocket. */
  #early: Uint8Array | null;
  /** A read is under way to the memory of the beginning, and the reader has moved on from there. */
  #displaced: boolean;

  /**
   * Takes over the connection of `served`; `memory` may be shared with others, and `early` is what came already.
   * @throws Error when the connection is gone.
   */
  constructor(served: Socket, early: Uint8Array, memory: Buffer) {
    const handle = takeHandle(served);
    if (handle === null) throw new Error('the connection is gone');
    this.memory = memory;
    this.#early = early.length > 0 ? early : null;
    this.#displaced = early.length > 0;
    const onread: OnReadOpts = {
      buffer: () => this.#reader?.next() ?? memory,
      callback: (bytes) => this.#read(bytes),
    };
    // manualStart (undocumented): nothing is read before ws is there.
    const options = { handle, allowHalfOpen: true, manualStart: true, onread };
    this.socket = new Socket(options as SocketConstructorOpts);
    this.socket.once('close', () => served.destroy());
    // The answer to a request that came before on this connection finds no way any more.
    served.on('error', () => {});
    served.once('close', () => this.socket.destroy());
  }

  /** From now on what comes is for `reader`, whose memory at first is ours. */
  readInto(reader: Reader): void {
    this.#reader = reader;
    const early = this.#early;
    this.#early = null;
    if (early === null) return;
    // Before anything else is read, but when everybody knows of the WebSocket that it is for.
    process.nextTick(() => {
      if (!this.socket.destroyed) this.#copy(early);
    });
  }

  #read(bytes: number): boolean {
    if (this.#displaced) {
      this.#displaced = false;
      this.#copy(new Uint8Array(this.memory.subarray(0, bytes)));
    } else this.#reader?.read(bytes);
    return true;
  }

  #copy(come: Uint8Array): void {
    for (let at = 0; at < come.length; ) {
      const room = this.#reader?.next() ?? this.memory;
      const part = come.subarray(at, at + room.length);
      room.set(part);
      this.#reader?.read(part.length);
      at += part.length;
    }
  }
}
