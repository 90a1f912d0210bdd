/**
 * TCP sockets of a session: bytes from their peers to the client as credit allows, bytes from the client to their
 * peers. Decides who may read; a stream that may not is paused, so that its peer's window closes.
 */
import type { Endpoint } from '@luasocket-web/shared/address';
import { type BulkLimit, LIGHT_BYTES } from '@luasocket-web/shared/bulk-limit';
import { ProtocolError } from '@luasocket-web/shared/errors';
import { LATE_BYTES, type ReceivePool, type SendPool } from '@luasocket-web/shared/flow';
import type { RelayFrame } from '@luasocket-web/shared/frames';
import { MAX_DATA, STREAM_RESERVE } from '@luasocket-web/shared/limits';
import type { ReadBuffers } from '../sockets/read-buffers.ts';
import type { SystemFailure, TcpSocket } from '../sockets/socket.ts';
import type { Budget } from './budget.ts';
import { Pins } from './lasting.ts';
import type { Stop, Voice } from './parts.ts';
import { outcomeOf } from './requests.ts';
import { type Held, Stream, type StreamRules } from './stream.ts';

/**
 * Bytes read from peers and held over for want of credit, over all streams of a session: from the first on only those are read whose
 * next read brings little, and from the second on nobody. A read that passes the first, of 248 KiB at most, does not pass the second.
 */
const HELD_BYTES = 512 * 1024;
const HELD_AT_MOST = HELD_BYTES + 256 * 1024;
/** Who says less than that at a time says little: a first read that is full is of one who may say much (see Intake). */
const LITTLE_BYTES = STREAM_RESERVE;
/** The most that a next read brings where it brings little. */
const SIP_BYTES = 16 * 1024;

/** Who is not to be read from: as `Stop`, or (`held`) all but those whose next read brings little. */
type Halt = Stop | 'held';

export interface StreamsOptions {
  readonly voice: Voice;
  readonly buffers: ReadBuffers;
  readonly send: SendPool;
  readonly bulkLimit: BulkLimit;
  readonly receive: ReceivePool;
  /** Finds room for a connection in the session's table; null when there is none. */
  readonly adopt: (create: (id: number) => Stream) => Stream | null;
  /** Bytes that closed sockets may still have to deliver. */
  readonly lingering: Budget;
  /** A connection that nobody took is gone from the table. */
  readonly forget: (stream: Stream) => void;
  /** The gate, for those who connect to a listener. */
  readonly mayArrive: (peer: Endpoint) => boolean;
  /** A local name as the session may see it. */
  readonly shown: (local: Endpoint) => Endpoint;
}

export class Streams implements StreamRules {
  readonly buffers: ReadBuffers;
  readonly #options: StreamsOptions;
  readonly #voice: Voice;
  readonly #send: SendPool;
  readonly #bulkLimit: BulkLimit;
  readonly #receive: ReceivePool;
  /** Streams that are read from, or would be if they might. */
  readonly #reading = new Set<Stream>();
  /** Those of them that may not read now, longest waiting first. */
  readonly #starved = new Set<Stream>();
  #heldBytes = 0;
  #kept = 0;
  readonly #pins = new Pins();
  #stop: Stop = 'none';
  #credited = false;

  constructor(options: StreamsOptions) {
    this.#options = options;
    this.buffers = options.buffers;
    this.#voice = options.voice;
    this.#send = options.send;
    this.#bulkLimit = options.bulkLimit;
    this.#receive = options.receive;
  }

  /** Bytes held over for want of credit, over all streams. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Payloads from the client, so far, of which the kernel did not take all at once. */
  get kept(): number {
    return this.#kept;
  }

  /** Which peers are not to be read from for now. */
  stop(which: Stop): void {
    const before = this.#stopped();
    this.#stop = which;
    this.#review(before);
  }

  /** Credit has come; `settle` makes use of it. */
  credited(): void {
    this.#credited = true;
  }

  /** At the end of a message: one round for all the credit that it brought. */
  settle(): void {
    if (!this.#credited) return;
    this.#credited = false;
    this.pump();
  }

  /** Sends what was held for want of credit, and lets those read who may. */
  pump(): void {
    const before = this.#stopped();
    for (const stream of [...this.#starved]) this.#forward(stream);
    this.#review(before);
  }

  /** DATA from the client. @throws ProtocolError */
  write(stream: Stream, payload: Uint8Array): void {
    if (stream.state === 'unconnected' || stream.finished || stream.listener !== null) {
      throw new ProtocolError('unexpected', `DATA for socket ${stream.id}, which does not send`);
    }
    this.#receive.received(stream.id, payload.length);
    if (stream.state === 'gone') {
      this.#receive.consumed(stream.id, payload.length);
      this.#voice.stir();
      return;
    }
    stream.unwritten += payload.length;
    const given = this.#pins.bounded(payload);
    if (stream.socket?.write(given) !== false || given !== payload) return;
    this.#kept++;
    this.#pins.hold(stream, payload);
  }

  /** SHUTDOWN from the client. */
  shutdown(stream: Stream, how: 'receive' | 'send' | 'both'): void {
    if (stream.state === 'unconnected') return;
    if (how !== 'receive') stream.finished = true;
    if (stream.state === 'established') stream.socket?.shutdown(how);
  }

  /** ACCEPT from the client: its program has taken the connection. @throws ProtocolError */
  take(stream: Stream): void {
    const { listener } = stream;
    if (!listener) throw new ProtocolError('unexpected', `ACCEPT of socket ${stream.id}, which does not wait for it`);
    listener.waiting.delete(stream);
    stream.listener = null;
    listener.socket?.taken();
    stream.socket?.adopt(stream);
    this.#reading.add(stream);
    this.#starved.add(stream);
    this.#forward(stream);
  }

  /**
   * Whether a client that is gone has surely not taken all that was read from the peer. Credit is told late, so less than that
   * proves nothing; and a reset could cost the peer what the client has sent.
   */
  isUnread(stream: Stream): boolean {
    return stream.held.length > 0 || this.#send.outstandingOf(stream.id) >= LATE_BYTES;
  }

  /** Closes the socket and those that wait to be accepted on it, which are reset. */
  close(stream: Stream, reset: boolean): void {
    stream.ordered.close();
    stream.settled?.();
    for (const child of [...stream.waiting]) {
      this.#options.forget(child);
      this.close(child, true);
    }
    if (stream.listener) {
      stream.listener.waiting.delete(stream);
      stream.listener.socket?.taken();
      stream.listener = null;
      stream.socket?.close(true);
    } else {
      this.#release(stream, reset);
    }
    stream.socket = null;
    const before = this.#stopped();
    this.#heldBytes -= lengthOf(stream.held);
    for (const { payload } of stream.held) this.buffers.release(payload);
    stream.held = [];
    stream.tail = [];
    this.#reading.delete(stream);
    this.#starved.delete(stream);
    this.#send.close(stream.id);
    this.#receive.close(stream.id);
    this.credited();
    this.#review(before);
  }

  /** close(2) delivers what is still to be written, which is memory that no credit bounds any more; so a budget does. */
  #release(stream: Stream, reset: boolean): void {
    const { lingering } = this.#options;
    const { socket, unwritten } = stream;
    if (!reset && unwritten > 0 && lingering.take(unwritten)) {
      socket?.close(false, () => {
        lingering.giveBack(unwritten);
        this.#pins.release(stream);
      });
      return;
    }
    socket?.close(reset || unwritten > 0);
    this.#pins.release(stream);
  }

  connected(stream: Stream, local: Endpoint, peer: Endpoint): void {
    this.#voice.guard(() => {
      stream.settled?.();
      stream.state = 'established';
      stream.finished = false;
      this.#reading.add(stream);
      this.#voice.send({ type: 'connected', socket: stream.id, local: this.#options.shown(local), peer });
      this.#regulate(stream);
    });
  }

  accepted(listener: Stream, socket: TcpSocket, local: Endpoint, peer: Endpoint): void {
    const heard = this.#voice.guard(() => {
      const stream = this.#options.mayArrive(peer) ? this.#options.adopt((id) => new Stream(id, this)) : null;
      if (!stream) {
        // Denied, or no descriptor is left for it. A kernel would leave that in the queue; Node has taken it out already.
        socket.close(true);
        listener.socket?.taken();
        return;
      }
      stream.socket = socket;
      stream.state = 'established';
      stream.paused = true;
      stream.listener = listener;
      listener.waiting.add(stream);
      const shown = this.#options.shown(local);
      this.#voice.send({ type: 'accepted', listener: listener.id, socket: stream.id, local: shown, peer });
    });
    // The session is over, and its listener has not been closed yet.
    if (!heard) socket.close(true);
  }

  data(stream: Stream, payload: Uint8Array): void {
    this.#voice.guard(() => {
      stream.sips = payload.length < LITTLE_BYTES;
      this.buffers.readBytes = stream.sips ? SIP_BYTES : this.#bulkLimit.piece;
      if (!this.#pass(stream, payload)) this.#hold(stream, payload);
    });
  }

  end(stream: Stream): void {
    this.#voice.guard(() => this.#tell(stream, { type: 'end', socket: stream.id }));
  }

  error(stream: Stream, failure: SystemFailure): void {
    this.#voice.guard(() => {
      const { code, detail } = outcomeOf(failure);
      stream.settled?.();
      if (stream.state === 'established') {
        stream.state = 'gone';
        this.#receive.consumed(stream.id, stream.unwritten);
        stream.unwritten = 0;
        this.#pins.release(stream);
        this.#voice.stir();
      }
      this.#tell(stream, { type: 'error', socket: stream.id, error: code, detail });
    });
  }

  drained(stream: Stream, bytes: number): void {
    this.#voice.guard(() => {
      if (stream.state !== 'established') return;
      stream.unwritten -= bytes;
      if (stream.unwritten === 0) this.#pins.release(stream);
      this.#receive.consumed(stream.id, bytes);
      this.#voice.stir();
    });
  }

  #stopped(): Halt {
    if (this.#stop === 'all' || this.#heldBytes >= HELD_AT_MOST) return 'all';
    return this.#heldBytes < HELD_BYTES ? this.#stop : 'held';
  }

  #mayRead(stream: Stream): boolean {
    const stopped = this.#stopped();
    if (stopped === 'none' || stopped === 'all') return stopped === 'none';
    // Though the WebSocket is full: what a light one sends waits behind what is on its way already, not behind what bulk would add.
    const isLight = this.#send.outstandingOf(stream.id) < LIGHT_BYTES;
    return isLight && (stopped === 'bulk' || stream.sips);
  }

  /** To be called after something that may have changed who is stopped. */
  #review(before: Halt): void {
    const now = this.#stopped();
    if (now === before) return;
    if (now === 'none' || before === 'all') this.pump();
    else for (const stream of this.#reading) this.#regulate(stream);
  }

  /** After all that came before it. */
  #tell(stream: Stream, frame: RelayFrame): void {
    if (stream.held.length > 0) stream.tail.push(frame);
    else this.#voice.send(frame);
  }

  /** Sends what has come at once, as is the rule: nothing waits, and there is credit for all of it. Answers whether it has. */
  #pass(stream: Stream, payload: Uint8Array): boolean {
    const { length } = payload;
    if (stream.held.length > 0 || length > MAX_DATA || length > this.#bulkLimit.allowance(stream.id)) return false;
    this.#bulkLimit.sending(stream.id, length);
    this.#send.spend(stream.id, length);
    this.#voice.data(stream.id, payload);
    this.#regulate(stream);
    return true;
  }

  /** Keeps what has come until there is credit for it. */
  #hold(stream: Stream, payload: Uint8Array): void {
    const before = this.#stopped();
    stream.held.push({ payload, headroom: true });
    this.#heldBytes += payload.length;
    // To the end of the line of those who read: when not all may, it is the others' turn.
    if (this.#reading.delete(stream)) this.#reading.add(stream);
    this.#forward(stream);
    this.#review(before);
  }

  /** Sends what is held as far as credit goes. */
  #forward(stream: Stream): void {
    for (;;) {
      const [first] = stream.held;
      if (!first) break;
      const { payload } = first;
      const length = Math.min(payload.length, MAX_DATA, this.#bulkLimit.allowance(stream.id));
      // Not in crumbs while so much is on its way that its credit will do for the rest.
      const crumb = length * 2 < payload.length && this.#send.outstandingOf(stream.id) >= payload.length;
      if (length === 0 || crumb) break;
      this.#send.spend(stream.id, length);
      this.#heldBytes -= length;
      if (length === payload.length) {
        stream.held.shift();
      } else {
        stream.held[0] = { payload: payload.subarray(length), headroom: false };
        // Both parts are to be released.
        this.buffers.retain(payload);
      }
      const part = payload.subarray(0, length);
      if (first.headroom) {
        this.#voice.data(stream.id, part);
      } else {
        this.#voice.data(stream.id, this.buffers.copy(part));
        this.buffers.release(part);
      }
    }
    if (stream.held.length === 0 && stream.tail.length > 0) {
      for (const frame of stream.tail.splice(0)) this.#voice.send(frame);
    }
    // To the end of the line, whether served or not, so that all get their turn.
    this.#starved.delete(stream);
    this.#regulate(stream);
  }

  /** Lets a stream read, or stops it. */
  #regulate(stream: Stream): void {
    if (!this.#reading.has(stream)) return;
    const go = stream.held.length === 0 && this.#bulkLimit.allowance(stream.id) > 0 && this.#mayRead(stream);
    if (go) this.#starved.delete(stream);
    else this.#starved.add(stream);
    if (go !== stream.paused) return;
    stream.paused = !go;
    if (go) stream.socket?.resume();
    else stream.socket?.pause();
  }
}

function lengthOf(held: readonly Held[]): number {
  return held.reduce((sum, { payload }) => sum + payload.length, 0);
}
