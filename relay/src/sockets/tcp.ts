/**
 * TCP sockets on the kernel's own calls: fresh, bound, connecting, established or listening, as a descriptor is.
 * What happens on an established connection is stream.ts; the queue of a listening socket is listener.ts.
 */
import type { Endpoint, Family } from '@luasocket-web/shared/address';
import type { OptionValue } from '@luasocket-web/shared/frames';
import type { System } from '../os/system.ts';
import { nowhere } from './endpoint.ts';
import { check, nodeFailure } from './failure.ts';
import { TcpListener } from './listener.ts';
import { getOption, setOption } from './options.ts';
import type { ReadBuffers } from './read-buffers.ts';
import { SystemFailure, type TcpSink, type TcpSocket } from './socket.ts';
import { type StreamEvents, TcpStream } from './stream.ts';

const NONE = -1;

/** Hears its own stream: an object of functions for each would be half a kilobyte. */
export class KernelTcpSocket implements TcpSocket, StreamEvents {
  readonly kind = 'tcp';
  readonly family: Family;
  readonly #system: System;
  readonly #readBuffer: Uint8Array;
  #sink: TcpSink | null;
  /** Our own descriptor, until a stream or a listener has taken its place. */
  #fd = NONE;
  /** An attempt has failed: the descriptor keeps its name, and refuses the next (ECONNABORTED) until it is dissolved. */
  #spent = false;
  #stream: TcpStream | null = null;
  #listener: TcpListener | null = null;
  #closed = false;
  /** What `#stream`'s predecessors received. */
  #before = 0;
  /** Of a connection to come: its name, which is settled when the attempt begins, and whom it is to. */
  #local: Endpoint | null = null;
  #peer: Endpoint | null = null;

  /** A fresh socket, or (`stream`) an accepted one that has no sink yet. */
  constructor(
    system: System,
    family: Family,
    readBuffer: Uint8Array,
    sink: TcpSink | null,
    stream: TcpStream | null = null,
  ) {
    this.#system = system;
    this.family = family;
    this.#readBuffer = readBuffer;
    this.#sink = sink;
    this.#stream = stream;
    if (stream === null) this.#fd = check(system, system.socket('stream', family));
  }

  get received(): number {
    return this.#before + (this.#stream?.received ?? 0);
  }

  adopt(sink: TcpSink): void {
    this.#sink = sink;
    if (this.#stream !== null) this.#stream.events = this;
  }

  bind(local: Endpoint): void {
    check(this.#system, this.#system.bind(this.#descriptor, local));
  }

  connect(peer: Endpoint): Endpoint {
    this.#recover();
    if (this.#stream !== null) throw new SystemFailure(this.#stream.open ? 'EISCONN' : 'EALREADY');
    if (this.#listener !== null) throw new SystemFailure('EISCONN');
    const sink = this.#sink;
    if (this.#closed || sink === null) throw new SystemFailure('EBADF');
    if (this.#spent) this.#system.connect(this.#fd, null);
    this.#spent = false;
    // Node connects a copy: a failed attempt costs it the copy, and we keep the binding and the options.
    const copy = check(this.#system, this.#system.duplicate(this.#fd));
    const stream = this.#streamOn(copy);
    stream.events = this;
    stream.connect(peer);
    this.#stream = stream;
    this.#peer = peer;
    this.#local = this.localName();
    return this.#local;
  }

  giveUp(): void {
    if (this.#stream === null || this.#stream.open) return;
    this.#stream.giveUp();
    // Ours is the same socket, and would go on trying.
    this.#system.connect(this.#fd, null);
  }

  listen(backlog: number): void {
    if (this.#listener !== null) {
      this.#listener.listenAgain(this.#system, backlog);
      return;
    }
    const listener = new TcpListener(this.#system, this.family, this.#readBuffer, (stream, local, peer) => {
      const socket = new KernelTcpSocket(this.#system, this.family, this.#readBuffer, null, stream);
      this.#sink?.accepted(socket, local, peer);
    });
    listener.listenOn(this.#system, this.#descriptor, backlog);
    this.#listener = listener;
    this.#fd = NONE;
  }

  taken(): void {
    this.#listener?.taken();
  }

  write(payload: Uint8Array): boolean {
    return this.#stream?.write(payload) ?? true;
  }

  shutdown(how: 'receive' | 'send' | 'both'): void {
    // Linux' SHUT_RD tells the peer nothing and discards nothing; that reads answer "closed" is the client's part.
    if (how !== 'receive') this.#stream?.end(how === 'both');
  }

  pause(): void {
    this.#stream?.pause();
  }

  resume(): void {
    this.#stream?.resume();
  }

  get buffers(): ReadBuffers | null {
    return this.#sink?.buffers ?? null;
  }

  opened(): void {
    this.#releaseOwn();
    const name = this.#system.peerName(this.#descriptor);
    // No name: reset already, as the stream will tell.
    const peer = typeof name === 'number' ? (this.#peer ?? nowhere(this.family)) : name;
    const local = this.#local ?? this.localName();
    this.#local = null;
    this.#peer = null;
    this.#sink?.connected(local, peer);
  }

  failed(failure: SystemFailure): void {
    if (this.#stream?.open === false) {
      this.#stream = null;
      this.#spent = true;
    }
    this.#sink?.error(failure);
  }

  data(payload: Uint8Array): void {
    this.#sink?.data(payload);
  }

  end(): void {
    this.#sink?.end();
  }

  drained(bytes: number): void {
    this.#sink?.drained(bytes);
  }

  close(reset: boolean, gone?: () => void): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stream?.close(reset, gone);
    this.#listener?.close();
    this.#releaseOwn();
  }

  setOption(name: string, value: OptionValue): void {
    setOption(this.#system, this.#descriptor, 'tcp', name, value);
  }

  getOption(name: string): OptionValue {
    // An error of a connection or an attempt is told to the sink. Asking for it would take it away from libuv, which
    // would take a failed attempt for a success.
    if (name === 'error' && this.#stream !== null && !this.#closed) return null;
    return getOption(this.#system, this.#descriptor, 'tcp', name);
  }

  localName(): Endpoint {
    return check(this.#system, this.#system.localName(this.#descriptor));
  }

  /** Negative when there is none: every call answers EBADF then. */
  get #descriptor(): number {
    if (this.#closed) return NONE;
    if (this.#fd !== NONE) return this.#fd;
    return this.#stream?.fd ?? this.#listener?.fd ?? NONE;
  }

  /** After a connection that is over, its descriptor is as after a failed attempt. */
  #recover(): void {
    const fd = this.#stream?.surrender() ?? NONE;
    if (fd === NONE) return;
    this.#before = this.received;
    this.#stream = null;
    this.#fd = fd;
    this.#spent = true;
  }

  #streamOn(fd: number): TcpStream {
    try {
      return new TcpStream(this.#system, { fd }, this.#readBuffer, null);
    } catch (error) {
      this.#system.close(fd);
      throw nodeFailure(error as Error);
    }
  }

  #releaseOwn(): void {
    if (this.#fd === NONE) return;
    this.#system.close(this.#fd);
    this.#fd = NONE;
  }
}
