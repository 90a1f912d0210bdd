/** What a session knows of one TCP socket. All that is decided about it is in streams.ts. */
import type { Endpoint } from '@luasocket-web/shared/address';
import type { RelayFrame } from '@luasocket-web/shared/frames';
import type { ReadBuffers } from '../sockets/read-buffers.ts';
import type { SystemFailure, TcpSink, TcpSocket } from '../sockets/socket.ts';
import type { Holder } from './lasting.ts';
import { Ordered } from './ordered.ts';

/** What was read and is still to be sent. */
export interface Held {
  payload: Uint8Array;
  /** The bytes before the payload are free for its frame's header; not so when a part before it was sent. */
  headroom: boolean;
}

/** What becomes of what its socket tells. */
export interface StreamRules {
  readonly buffers: ReadBuffers;
  connected(stream: Stream, local: Endpoint, peer: Endpoint): void;
  data(stream: Stream, payload: Uint8Array): void;
  end(stream: Stream): void;
  error(stream: Stream, failure: SystemFailure): void;
  drained(stream: Stream, bytes: number): void;
  accepted(stream: Stream, socket: TcpSocket, local: Endpoint, peer: Endpoint): void;
}

/** A TCP socket of the session, as its socket tells it. */
export class Stream implements TcpSink, Holder {
  readonly kind = 'tcp';
  readonly id: number;
  readonly ordered = new Ordered();
  /** Null until it is made, and when that was refused. */
  socket: TcpSocket | null = null;
  /** Why socket(2) was refused: the answer to every request. */
  refused: SystemFailure | null = null;
  /** `gone`: the connection ended in both directions by an error. */
  state: 'unconnected' | 'established' | 'gone' = 'unconnected';
  /** The client has said that it sends no more. */
  finished = false;
  /** The listener whose queue this connection waits in; null once taken. */
  listener: Stream | null = null;
  /** Connections that wait to be taken. */
  readonly waiting = new Set<Stream>();

  paused = false;
  /** Its next read brings little. */
  sips = true;
  /** Read, and not sent for want of credit. */
  held: Held[] = [];
  /** What is told after all that is held. */
  tail: RelayFrame[] = [];
  /** Given to the socket and not yet taken by the kernel, bytes. */
  unwritten = 0;
  pinned = 0;
  /** To be called when the attempt to connect that is under way is over. */
  settled: (() => void) | null = null;
  readonly buffers: ReadBuffers;
  readonly #rules: StreamRules;

  constructor(id: number, rules: StreamRules) {
    this.id = id;
    this.#rules = rules;
    this.buffers = rules.buffers;
  }

  connected(local: Endpoint, peer: Endpoint): void {
    this.#rules.connected(this, local, peer);
  }
  data(payload: Uint8Array): void {
    this.#rules.data(this, payload);
  }
  end(): void {
    this.#rules.end(this);
  }
  error(failure: SystemFailure): void {
    this.#rules.error(this, failure);
  }
  drained(bytes: number): void {
    this.#rules.drained(this, bytes);
  }
  accepted(socket: TcpSocket, local: Endpoint, peer: Endpoint): void {
    this.#rules.accepted(this, socket, local, peer);
  }
}
