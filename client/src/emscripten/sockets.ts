/**
 * System calls on sockets, for programs in C that cannot wait: each answers at once, with a number that is not negative or
 * with the negative error number. Knows nothing of the program's memory.
 */
import {
  type Channel,
  type DatagramSocket,
  END,
  type Endpoint,
  Failure,
  type Family,
  type Pending,
  type Where,
} from '../core/channel.ts';
import { type AnyKind, Slot } from '../core/descriptors.ts';
import { errnoOf, negative } from './errno.ts';
import { Outbox } from './outbox.ts';

/** Descriptors that a program's own files do not reach, and that still fit into an fd_set. */
export const FIRST_DESCRIPTOR = 600;
const END_DESCRIPTOR = 1024;

/** What recv, recvfrom and recvmsg answer. */
export interface Received {
  readonly bytes: Uint8Array;
  readonly peer: Endpoint | null;
}

/** A socket of the program. */
export class OpenSocket {
  readonly slot: Slot;
  /** O_NONBLOCK. It only has to be remembered: no call waits. */
  nonblocking = false;
  listening = false;
  /** Where the program takes the connection for granted. */
  outbox: Outbox | null = null;
  /** Where connect was to go, as far as that is an address. */
  destination: Endpoint | null = null;
  /** What recv was asked to leave there (MSG_PEEK). */
  peeked: Received | null = null;

  constructor(socket: AnyKind) {
    this.slot = new Slot(socket);
  }

  get socket(): AnyKind {
    return this.slot.socket;
  }

  /** Bytes that a stream has at once: FIONREAD. */
  get available(): number {
    const { socket, peeked } = this;
    return socket.kind === 'tcp' ? socket.available + (peeked?.bytes.length ?? 0) : 0;
  }

  get readable(): boolean {
    return this.peeked !== null || this.slot.readable;
  }

  get writable(): boolean {
    const { outbox } = this;
    return outbox !== null && !outbox.done ? outbox.room > 0 : this.slot.writable;
  }
}

export class Sockets {
  readonly #channel: () => Channel | null;
  readonly #open = new Map<number, OpenSocket>();
  /** The socket of the last call, if that was connect. */
  #connecting: OpenSocket | null = null;

  /** `channel`: null as long as there is no relay. */
  constructor(channel: () => Channel | null) {
    this.#channel = channel;
  }

  get(descriptor: number): OpenSocket | undefined {
    return this.#open.get(descriptor);
  }

  socket(kind: 'tcp' | 'udp', family: Family): number {
    const channel = this.#channel();
    if (channel === null) return negative('ENETDOWN');
    const socket = kind === 'tcp' ? channel.tcp(family) : channel.udp(family);
    return socket instanceof Failure ? -errnoOf(socket) : this.#add(socket);
  }

  bind(open: OpenSocket, where: Where): number {
    return this.#granted(open, open.socket.bind(where));
  }

  connect(open: OpenSocket, where: Where | null): number {
    const { socket } = open;
    if (socket.kind === 'udp') return this.#granted(open, socket.connect(where));
    if (where === null) return negative('EAFNOSUPPORT');
    if (open.outbox !== null && !open.outbox.done) return negative('EISCONN');
    // Who asks again hears why the last attempt did not even begin.
    const refusal = open.slot.assumptions.take();
    if (refusal !== null) return -errnoOf(refusal);
    const pending = socket.connect(where);
    open.destination ??= 'address' in where ? where : null;
    if (pending.settled) {
      if (pending.result instanceof Failure) return -errnoOf(pending.result);
      if (pending.result === 'done') return 0;
    } else {
      open.slot.assumptions.add(pending);
    }
    this.#connecting = open;
    return negative('EINPROGRESS');
  }

  listen(open: OpenSocket, backlog: number): number {
    const { socket } = open;
    if (socket.kind === 'udp') return negative('EOPNOTSUPP');
    open.listening = true;
    return this.#granted(open, socket.listen(Math.max(0, backlog)));
  }

  /** The descriptor of the next connection. */
  accept(open: OpenSocket): number {
    const { socket } = open;
    const refusal = open.slot.assumptions.take();
    if (refusal !== null) return -errnoOf(refusal);
    if (socket.kind === 'udp') return negative('EOPNOTSUPP');
    // A connection that has no descriptor stays where it is.
    if (this.#lowest() === null) return negative('EMFILE');
    const next = socket.accept();
    if (next === null) return negative('EAGAIN');
    return next instanceof Failure ? -errnoOf(next) : this.#add(next);
  }

  localName({ socket }: OpenSocket): Endpoint | number {
    const pending = socket.localName();
    if (!pending.settled) return socket.knownName;
    return pending.result instanceof Failure ? -errnoOf(pending.result) : pending.result;
  }

  peerName({ socket, outbox, destination }: OpenSocket): Endpoint | number {
    if (outbox !== null && !outbox.done && destination !== null) return destination;
    const name = socket.peerName();
    return name instanceof Failure ? -errnoOf(name) : name;
  }

  /** `bytes` are kept; the caller must not change them. `where`: of a datagram. */
  send(open: OpenSocket, bytes: Uint8Array, where: Where | null): number {
    const refusal = open.slot.assumptions.take();
    if (refusal !== null) return -errnoOf(refusal);
    const { socket, outbox } = open;
    if (socket.kind === 'udp') {
      const sent = this.#sendTo(open, socket, bytes, where);
      return sent < 0 ? sent : bytes.length;
    }
    if (outbox !== null && !outbox.done) return orAgain(outbox.add(bytes), bytes);
    const sent = socket.send(bytes, 0, bytes.length);
    return sent instanceof Failure ? -errnoOf(sent) : orAgain(sent, bytes);
  }

  #sendTo(open: OpenSocket, socket: DatagramSocket, bytes: Uint8Array, where: Where | null): number {
    if (where === null || 'address' in where) return this.#granted(open, socket.send(bytes, where));
    const { lookup, index } = where;
    if (lookup.settled) {
      if (lookup.result instanceof Failure) return -errnoOf(lookup.result);
      const peer = lookup.result[index];
      return peer === undefined ? negative('EAI_NONAME') : this.#granted(open, socket.send(bytes, peer));
    }
    const unsubscribe = lookup.subscribe(() => {
      unsubscribe();
      if (!open.slot.closed) this.#sendTo(open, socket, bytes, where);
    });
    return 0;
  }

  /** At most `max` bytes; of a datagram the rest is lost. `peek`: they stay there. */
  receive(open: OpenSocket, max: number, peek: boolean): Received | number {
    const got = this.#peekedOrTaken(open, max);
    if (typeof got === 'number') return got;
    const bytes = got.bytes.subarray(0, max);
    const stream = open.socket.kind === 'tcp';
    const kept = peek ? got : stream ? { bytes: got.bytes.subarray(max), peer: null } : null;
    // The end of a stream comes again by itself.
    open.peeked = kept !== null && (kept.bytes.length > 0 || !stream) ? kept : null;
    return { bytes, peer: got.peer };
  }

  #peekedOrTaken(open: OpenSocket, max: number): Received | number {
    const { peeked, socket } = open;
    if (peeked === null) return this.#take(open, max);
    if (socket.kind === 'udp' || peeked.bytes.length >= max || socket.available === 0) return peeked;
    const more = this.#take(open, max - peeked.bytes.length);
    if (typeof more === 'number') return peeked;
    return { bytes: joined([peeked.bytes, more.bytes], peeked.bytes.length + more.bytes.length), peer: null };
  }

  #take(open: OpenSocket, max: number): Received | number {
    const refusal = open.slot.assumptions.take();
    if (refusal !== null) return -errnoOf(refusal);
    const { socket } = open;
    if (socket.kind === 'udp') {
      const datagram = socket.recv();
      if (datagram === null) return negative('EAGAIN');
      return datagram instanceof Failure ? -errnoOf(datagram) : { bytes: datagram.payload, peer: datagram.peer };
    }
    // Who asks for nothing wants to hear of an error (LuaSocket's connect does).
    if (max === 0 && socket.available > 0) return { bytes: new Uint8Array(0), peer: null };
    const first = socket.recv(Math.max(1, max));
    if (first === null) return negative('EAGAIN');
    if (first === END) return { bytes: new Uint8Array(0), peer: null };
    if (first instanceof Failure) return -errnoOf(first);
    const pieces = [first];
    let size = first.length;
    while (size < max && socket.available > 0) {
      const more = socket.recv(max - size);
      if (!(more instanceof Uint8Array)) break;
      pieces.push(more);
      size += more.length;
    }
    return { bytes: pieces.length === 1 ? first : joined(pieces, size), peer: null };
  }

  shutdown(open: OpenSocket, how: 'receive' | 'send' | 'both'): number {
    const { socket, outbox } = open;
    if (socket.kind === 'udp') return negative('ENOTCONN');
    if (outbox !== null && !outbox.done) {
      outbox.after(() => socket.shutdown(how));
      return 0;
    }
    const connected = socket.established && !(socket.peerName() instanceof Failure);
    socket.shutdown(how);
    return connected || open.listening ? 0 : negative('ENOTCONN');
  }

  /** SO_ERROR: the number, once. */
  takeError({ slot }: OpenSocket): number {
    const failure = slot.assumptions.take() ?? slot.socket.takeError();
    return failure === null ? 0 : errnoOf(failure);
  }

  close(descriptor: number): number {
    const open = this.#open.get(descriptor);
    if (open === undefined) return negative('EBADF');
    this.#open.delete(descriptor);
    const { slot, outbox } = open;
    if (outbox !== null && !outbox.done) outbox.after(() => slot.close());
    else slot.close();
    return 0;
  }

  /**
   * The program waits for a connection that it has just asked for, which cannot be waited for here. It is told that it
   * stands; should it be refused, a later call says so.
   */
  believe(open: OpenSocket): void {
    const { socket } = open;
    if (socket.kind === 'tcp' && open.outbox === null && !socket.writable) open.outbox = new Outbox(socket);
  }

  /** The socket of the call before this one, if that was a connect whose outcome is open. */
  takeConnecting(): OpenSocket | null {
    const open = this.#connecting;
    this.#connecting = null;
    return open;
  }

  #granted(open: OpenSocket, pending: Pending<unknown>): number {
    if (!pending.settled) {
      open.slot.assumptions.add(pending);
      return 0;
    }
    return pending.result instanceof Failure ? -errnoOf(pending.result) : 0;
  }

  #add(socket: AnyKind): number {
    const descriptor = this.#lowest();
    if (descriptor === null) {
      socket.close();
      return negative('EMFILE');
    }
    this.#open.set(descriptor, new OpenSocket(socket));
    return descriptor;
  }

  #lowest(): number | null {
    for (let descriptor = FIRST_DESCRIPTOR; descriptor < END_DESCRIPTOR; descriptor++) {
      if (!this.#open.has(descriptor)) return descriptor;
    }
    return null;
  }
}

function orAgain(taken: number, wanted: Uint8Array): number {
  return taken === 0 && wanted.length > 0 ? negative('EAGAIN') : taken;
}

function joined(pieces: readonly Uint8Array[], size: number): Uint8Array {
  const all = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
