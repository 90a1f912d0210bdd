/**
 * One TCP connection from its birth (an attempt, or an accepted connection) to its last byte: reading, writing,
 * half-close, errors, and closing as close(2) does. Knows nothing of binding, listening or options.
 *
 * It stands on `net.Socket`. What Node does otherwise than a descriptor, and is put right here:
 * - Node closes the descriptor on an error and when both directions have ended. A program still asks such a socket for
 *   options, and data that came before an error is still readable. So a copy, the *husk*, is kept until `close`.
 * - Node's close forgets what is still to be written. close(2) delivers it.
 * - libuv hears of no reset while it does not read, as after the peer's end. So after a write we look for one.
 * - Node has no SHUT_RD. A kernel resets a connection whose both directions are shut when more data comes.
 */
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import type { Endpoint } from '@luasocket-web/shared/address';
import type { System } from '../os/system.ts';
import { Crumbs } from './crumbs.ts';
import { addressText } from './endpoint.ts';
import { nodeFailure, systemFailure } from './failure.ts';
import { type Handle, handleOf } from './handle.ts';
import { Intake } from './intake.ts';
import { readLinger, takeError, writeLinger } from './options.ts';
import type { ReadBuffers } from './read-buffers.ts';
import { SystemFailure } from './socket.ts';

/** Milliseconds that a closed socket may go on delivering what was written: Linux' tcp_fin_timeout. */
const LINGER_MILLISECONDS = 60_000;
/**
 * Milliseconds after which a connection that is not read from is asked whether it has been reset: libuv does not watch
 * it then. A reset answers what was sent, so it comes about a round trip later.
 */
const PROBES_MILLISECONDS = [0, 10, 40, 150, 800] as const;
const NONE = -1;

/** What a stream tells: the parts of `TcpSink` that concern a connection. */
export interface StreamEvents {
  /** Where what comes is kept; null when nothing will. */
  readonly buffers: ReadBuffers | null;
  opened(): void;
  failed(failure: SystemFailure): void;
  /** A payload in `buffers`, to be released. */
  data(payload: Uint8Array): void;
  end(): void;
  drained(bytes: number): void;
}

/** Calls back before Node closes the descriptor. */
class NodeSocket extends Socket {
  leaving: (() => void) | null = null;

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.leaving?.();
    super._destroy(error, callback);
  }
}

export class TcpStream {
  /** Bytes given to `events.data`. */
  received = 0;
  readonly #system: System | null;
  readonly #intake: Intake;
  #events: StreamEvents | null = null;
  /** Shared by all streams. */
  readonly #readBuffer: Uint8Array;
  readonly #net: NodeSocket;
  /** Behind what waits in `#net`. */
  readonly #crumbs = new Crumbs();
  #open = false;
  #paused = false;
  #ending = false;
  /** Both directions were shut by us: data that still comes is answered by a reset (tcp_rcv_state_process). */
  #deaf = false;
  #ended = false;
  #probe: NodeJS.Timeout | undefined;
  #closed = false;
  /** Both directions are over; nothing is read or written any more. */
  #failure: SystemFailure | null = null;
  #failed = false;
  #husk = NONE;

  /**
   * `source` is what to connect: a descriptor or a bound handle (which the stream owns from now on), or nothing (Node
   * makes a descriptor then); or it is the handle of an accepted connection, which is born paused. `readBuffer` may be
   * shared by all streams (see Intake).
   */
  constructor(
    system: System | null,
    source: { fd: number } | { handle: Handle } | { accepted: Handle } | null,
    readBuffer: Uint8Array,
    events: StreamEvents | null,
  ) {
    this.#system = system;
    this.#readBuffer = readBuffer;
    this.#intake = new Intake(readBuffer);
    this.events = events;
    const onread: OnReadOpts = { buffer: () => this.#intake.next(), callback: (bytes) => this.#read(bytes) };
    // manualStart (undocumented): without it Node reads at once, which fails on a socket that is not connected.
    const accepted = source !== null && 'accepted' in source;
    const options = {
      ...(accepted ? { handle: source.accepted } : source),
      allowHalfOpen: true,
      manualStart: true,
      onread,
    };
    this.#net = new NodeSocket(options as SocketConstructorOpts);
    this.#net.leaving = () => this.#keepHusk();
    this.#net.on('connect', () => {
      this.#open = true;
      this.events?.opened();
    });
    this.#net.on('end', () => this.#finished());
    this.#net.on('error', (error) => this.#fail(nodeFailure(error)));
    if (accepted) {
      this.#open = true;
      this.#paused = true;
      this.#net.pause();
    }
  }

  get events(): StreamEvents | null {
    return this.#events;
  }

  /** Who is told. Nothing is read as long as there is nobody. */
  set events(events: StreamEvents | null) {
    this.#events = events;
    if (events) this.#intake.buffers = events.buffers;
  }

  /** The descriptor, for options and names; negative when there is none. */
  get fd(): number {
    return this.#husk !== NONE ? this.#husk : (handleOf(this.#net)?.fd ?? NONE);
  }

  /** Established, though perhaps over by now. */
  get open(): boolean {
    return this.#open;
  }

  /**
   * Gives away the descriptor of a connection that is over, which can be connected again; negative when it is not over, or has
   * left none. The stream is of no use then.
   */
  surrender(): number {
    const fd = this.#husk;
    if (fd === NONE || !this.#net.destroyed) return NONE;
    this.#husk = NONE;
    this.close(false);
    return fd;
  }

  /** Node's view of the connection, for a relay without system calls. */
  get node(): Socket {
    return this.#net;
  }

  /** Begins an attempt. What the system refuses at once is thrown; the stream is of no use then. */
  connect(peer: Endpoint): void {
    const text = addressText(this.#system, peer);
    this.#net.connect({
      // Node connects to a literal address only after this turn; after a look-up it does so at once.
      host: 'peer',
      lookup: (_host, _options, found) => found(null, text, peer.family),
      port: peer.port,
      autoSelectFamily: false,
    });
    const refusal = this.#net.errored;
    if (refusal) {
      this.#failed = true;
      throw nodeFailure(refusal);
    }
  }

  /** Ends an attempt as though the system had: `failed` with ETIMEDOUT. */
  giveUp(): void {
    if (!this.#open) this.#net.destroy(Object.assign(new Error('connect ETIMEDOUT'), { code: 'ETIMEDOUT' }));
  }

  write(payload: Uint8Array): boolean {
    if (!this.#writable() || payload.length === 0) return true;
    if (this.#net.writableLength > 0 && this.#crumbs.add(payload)) return true;
    this.#writeCrumbs();
    if (this.#net.writableLength > 0 && this.#crumbs.add(payload)) return true;
    this.#write(payload);
    return this.#net.writableLength === 0;
  }

  /** FIN, after what is still to be written. `deaf`: reading is shut too. */
  end(deaf: boolean): void {
    this.#deaf ||= deaf;
    if (!this.#writable()) return;
    this.#ending = true;
    this.#writeCrumbs();
    this.#net.end();
  }

  pause(): void {
    this.#paused = true;
    this.#net.pause();
  }

  resume(): void {
    if (this.#closed) return;
    this.#paused = false;
    this.#net.resume();
    if (this.#failure !== null) setImmediate(() => this.#finishFailing());
  }

  /** close(2). `reset`, SO_LINGER with no time, and unread data reset the connection, as in the kernel. */
  close(reset: boolean, gone?: () => void): void {
    if (this.#closed) return;
    this.#closed = true;
    this.events = null;
    this.#intake.leave();
    clearTimeout(this.#probe);
    this.#dropHusk();
    if (this.#net.closed) gone?.();
    else if (gone) this.#net.once('close', gone);
    if (this.#net.destroyed) return;
    if (!this.#open) {
      this.#net.destroy();
      return;
    }
    this.#net.pause();
    this.#writeCrumbs();
    const linger = this.#linger();
    if (reset || linger === 0) this.#reset();
    else {
      this.#forgetLinger(this.fd);
      if (this.#net.writableLength === 0) this.#net.destroy();
      else if (this.#hasUnread()) this.#reset();
      else this.#deliver();
    }
  }

  #writable(): boolean {
    return this.#open && !this.#ending && !this.#closed && !this.#failed && !this.#net.destroyed;
  }

  #write(payload: Uint8Array): void {
    this.#net.write(payload, (error) => {
      if (error) return;
      if (this.#net.writableLength === 0) this.#writeCrumbs();
      if (this.#closed) return;
      this.events?.drained(payload.length);
      if (this.#ended || this.#paused) this.#watch(0);
    });
  }

  #writeCrumbs(): void {
    const crumbs = this.#crumbs.take();
    if (crumbs) this.#write(crumbs);
  }

  #read(bytes: number): boolean {
    if (this.#closed) return false;
    if (this.#deaf && this.#net.writableFinished) {
      // Dissolving it resets it and leaves the descriptor; without system calls it goes altogether.
      if (this.#system !== null) this.#system.connect(this.fd, null);
      this.#reset();
      this.#fail(new SystemFailure('ECONNRESET'));
      return false;
    }
    this.#give(this.#intake.take(bytes));
    return true;
  }

  #give(payload: Uint8Array): void {
    this.received += payload.length;
    this.events?.data(payload);
  }

  /** Sends what is left, for a while, then lets the kernel do the rest. */
  #deliver(): void {
    const timer = setTimeout(() => this.#reset(), LINGER_MILLISECONDS);
    timer.unref();
    this.#net.once('close', () => clearTimeout(timer));
    if (this.#net.writableFinished) this.#net.destroy();
    else {
      this.#net.once('finish', () => this.#net.destroy());
      if (!this.#ending) this.#net.end();
    }
  }

  #reset(): void {
    if (this.#net.destroyed) return;
    // Not resetAndDestroy where it can be helped: libuv refuses while a FIN is on its way.
    if (this.#system !== null && writeLinger(this.#system, this.fd, true, 0) >= 0) this.#net.destroy();
    else this.#net.resetAndDestroy();
  }

  #linger(): number | null {
    return this.#system === null ? null : readLinger(this.#system, this.fd);
  }

  /** A time to linger blocks the whole process in close(2), whether the descriptor blocks or not. None means reset. */
  #forgetLinger(fd: number): void {
    if (this.#system === null) return;
    const seconds = readLinger(this.#system, fd);
    if (seconds !== null && seconds > 0) writeLinger(this.#system, fd, false, 0);
  }

  #hasUnread(): boolean {
    return this.#system !== null && this.#system.receive(this.fd, new Uint8Array(1), true) > 0;
  }

  /** Node is about to close the descriptor of a connection that the program has not closed. */
  #keepHusk(): void {
    if (this.#system === null || this.#closed || !this.#open) return;
    const fd = handleOf(this.#net)?.fd ?? NONE;
    if (fd < 0) return;
    this.#husk = Math.max(this.#system.duplicate(fd), NONE);
    if (this.#husk === NONE) this.#forgetLinger(fd);
  }

  #dropHusk(): void {
    if (this.#husk === NONE || this.#system === null) return;
    this.#forgetLinger(this.#husk);
    this.#system.close(this.#husk);
    this.#husk = NONE;
  }

  /** The peer has finished, or libuv says so: it also takes a hang-up after a short read for the end, resets included. */
  #finished(): void {
    if (this.#closed || this.#failed || this.#noticeReset()) return;
    this.#ended = true;
    this.#intake.leave();
    this.events?.end();
    this.#watch(0);
  }

  #watch(step: number): void {
    if (this.#system === null || this.#closed || this.#failed) return;
    clearTimeout(this.#probe);
    const again = (): void => {
      if (!this.#closed && !this.#failed && !this.#noticeReset()) this.#watch(step + 1);
    };
    const delay = PROBES_MILLISECONDS[step];
    if (delay !== undefined) this.#probe = setTimeout(again, delay).unref();
  }

  /** Asks the kernel for a pending error, which ends the connection. */
  #noticeReset(): boolean {
    if (this.#system === null) return false;
    const errno = takeError(this.#system, this.fd);
    if (errno === 0) return false;
    this.#net.destroy();
    this.#fail(systemFailure(this.#system, errno));
    return true;
  }

  #fail(failure: SystemFailure): void {
    if (this.#closed || this.#failed) return;
    this.#failed = true;
    this.#failure = failure;
    this.#finishFailing();
  }

  /** Tells the failure, after the data that the kernel still has from before it. */
  #finishFailing(): void {
    const failure = this.#failure;
    if (failure === null || this.#closed) return;
    while (this.#husk !== NONE && this.#system !== null) {
      if (this.#paused) return;
      const bytes = this.#system.receive(this.#husk, this.#readBuffer, false);
      if (bytes <= 0) break;
      this.#give(this.#intake.copy(this.#readBuffer.subarray(0, bytes)));
      if (this.#closed) return;
    }
    this.#failure = null;
    this.events?.failed(failure);
  }
}
