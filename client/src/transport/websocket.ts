/** A transport over a WebSocket, the browser's or any class like it. Knows its events and nothing of what it carries. */
import { Slab } from '@luasocket-web/shared/codec/slab';
import type { WebSocketConstructor, WebSocketLike } from '../api.ts';
import type { OpenTransport, Transport, TransportEvents } from './transport.ts';

/** WebSocket.OPEN and CONNECTING; the constants of the class are not asked for, since a stand-in may lack them. */
const CONNECTING = 0;
const OPEN = 1;
/** RFC 6455, 7.4.1: no close frame came. */
const ABNORMAL = 1006;

export function webSocketTransport(url: string, WebSocket: WebSocketConstructor): OpenTransport {
  return (events, node) => new WebSocketTransport(new WebSocket(node === null ? url : urlOf(url, node)), events);
}

/** The node's own address: its name is one more part of the path, whatever proxies have put before it; the query stays. */
function urlOf(url: string, node: string): string {
  const place = new URL(url, (globalThis as { location?: { href: string } }).location?.href);
  place.pathname = `${place.pathname.replace(/\/$/, '')}/${encodeURIComponent(node)}`;
  return place.href;
}

class WebSocketTransport implements Transport {
  readonly #socket: WebSocketLike;
  readonly #slab = new Slab();
  #events: TransportEvents | null;

  constructor(socket: WebSocketLike, events: TransportEvents) {
    this.#socket = socket;
    this.#events = events;
    // The `ws` of Node gives Buffers by default, and would copy them into ArrayBuffers.
    if (socket.binaryType !== 'nodebuffer') socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => this.#events?.opened());
    socket.addEventListener('message', ({ data }) => this.#message(data));
    // An error is always followed by close, and says nothing that a page may know; without a listener `ws` would throw.
    socket.addEventListener('error', () => undefined);
    socket.addEventListener('close', ({ code, reason }) => this.#ended(code, reason));
  }

  get backlog(): number {
    return this.#socket.bufferedAmount;
  }

  send(message: Uint8Array): void {
    // Between the loss of the connection and its close event a WebSocket takes no more; what is sent then is lost.
    if (this.#socket.readyState !== OPEN) return;
    // Messages are made by our own codec, never in shared memory, which is all that the type rules out.
    this.#socket.send(message as Uint8Array<ArrayBuffer>);
  }

  close(code: number, reason: string): void {
    this.#events = null;
    if (this.#socket.readyState === CONNECTING || this.#socket.readyState === OPEN) this.#socket.close(code, reason);
  }

  #message(data: unknown): void {
    if (data instanceof ArrayBuffer) this.#events?.message(new Uint8Array(data));
    else if (data instanceof Uint8Array) this.#events?.message(this.#own(data));
    // A text message: PROTOCOL.md, section 1, calls it malformed; so is an empty message of no frame the codec knows.
    else this.#events?.message(TEXT_MESSAGE);
  }

  /**
   * A message in other memory than that of a Buffer which may be a view of what `ws` has read: with the next messages in it. Nobody
   * should keep all that alive for the sake of one, and a program that transfers what it received must not take it away
   * from `ws`.
   */
  #own(data: Uint8Array): Uint8Array {
    if (data.byteLength === data.buffer.byteLength) return new Uint8Array(data.buffer);
    const own = this.#slab.take(data.byteLength);
    own.set(data);
    return own;
  }

  #ended(code: number, reason: string): void {
    const events = this.#events;
    this.#events = null;
    events?.closed(code || ABNORMAL, reason);
  }
}

/** Stands for a text message: a msgpack string, which no frame begins with. */
const TEXT_MESSAGE = new Uint8Array([0xa0]);
