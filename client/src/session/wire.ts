/** What a socket asks of the session it belongs to. */
import type { Family } from '@luasocket-web/shared/address';
import type { BulkLimit } from '@luasocket-web/shared/bulk-limit';
import type { ProtocolError } from '@luasocket-web/shared/errors';
import type { SendPool } from '@luasocket-web/shared/flow';
import type { ClientFrame } from '@luasocket-web/shared/frames';
import type { Pending } from '../core/channel.ts';
import type { Signal } from '../core/signal.ts';
import type { Reader } from './requests.ts';

/** A frame that asks for an answer, before it has its number. */
export type Ask = (request: number) => ClientFrame;

export interface Wire {
  /** Credit for what this end sends. */
  readonly upload: SendPool;
  /** How much of it streams may use now. */
  readonly bulkLimit: BulkLimit;
  /** True once the relay is lost or was left: nothing more will come, and nothing goes out. */
  readonly over: boolean;
  /** False while the WebSocket is lost: what is sent waits for the next one, and answers are a long time coming. */
  readonly attached: boolean;
  /** Sends bytes of a stream, in order, as far as its credit goes. */
  data(socket: number, bytes: Uint8Array): void;
  /** Sends one frame, in order. */
  emit(frame: ClientFrame): void;
  /**
   * Sends a request. Its reader is called before anybody is woken, so the state of a socket has changed when its
   * waiters look. While the WebSocket is lost, a request with something to assume is waived.
   */
  request<T>(ask: Ask, reader: Reader<T>): Pending<T>;
  /** Wakes who waits on `signal`, now or after the message that is being taken in. */
  wake(signal: Signal): void;
  /** `bytes` of what came in for this socket were taken by the program. */
  consumed(socket: number, bytes: number): void;
  /** The stream waits for credit: it is woken when there may be some. */
  starved(stream: Starved): void;
  /** An ephemeral port that the relay has reserved for this session; null when there is none. Whoever takes it binds it. */
  lease(kind: 'tcp' | 'udp', family: Family): number | null;
  /** An accepted connection becomes a descriptor of the program; false when there is none left. */
  claim(): boolean;
  /** The socket is closed; the session forgets it. `claimed`: it held a descriptor. */
  release(socket: number, claimed: boolean): void;
}

/** A stream that waits for credit. */
export type Starved = Signal & { readonly writable: boolean };

/** Where the frames of a session go: to the link, which numbers and gathers them. Calls never come back in here. */
export interface Outbox {
  /** So much waits that the relay will acknowledge something before all of it is on its way: 64 KiB or more. */
  readonly busy: boolean;
  /** Memory for a large frame, to be given to `send`; see FrameMemory. */
  room(bytes: number): Uint8Array;
  /**
   * `encoded` may be kept and must not change. Sequenced frames are never lost, others may be. `hurry`: false for what
   * may wait for company until this turn is over.
   */
  send(encoded: Uint8Array, sequenced: boolean, hurry: boolean): void;
  /** The relay broke the protocol: the session is to end. */
  fault(error: ProtocolError): void;
}

/** What the growth of credit is measured with. */
export interface Path {
  /** Seconds, monotonic. */
  now(): number;
  /** The smallest roundtrip over this WebSocket, in seconds; null before the first. */
  readonly roundtrip: number | null;
}
