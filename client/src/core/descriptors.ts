/**
 * The descriptors of a session: small numbers that stand for its sockets, as in a process. They are virtual: the relay
 * never sees them. `setfd` and `select` are the reason that LuaSocket's objects hold a number and not a socket.
 */
import { Assumptions, OptionShadow } from './assumptions.ts';
import { type DatagramSocket, Failure, type Stream } from './channel.ts';
import { Signal } from './signal.ts';

/** No descriptor: SOCKET_INVALID. */
export const INVALID = -1;
/** 0 to 2 are taken in every process. */
const FIRST = 3;
/** Sockets at once, as LuaSocket's _SETSIZE. */
export const SETSIZE = 1024;

/** A socket of either kind. */
export type AnyKind = Stream | DatagramSocket;

/** A socket in the table. As a source it tells that it has been closed. */
export class Slot extends Signal {
  readonly socket: AnyKind;
  /** What the poll face assumes of the socket; nothing on the others. */
  readonly assumptions = new Assumptions();
  #options: OptionShadow | null = null;
  #closed = false;

  constructor(socket: AnyKind) {
    super();
    this.socket = socket;
  }

  get options(): OptionShadow {
    this.#options ??= new OptionShadow();
    return this.#options;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** As select sees it. A refusal that was not told yet counts like a pending error. */
  get readable(): boolean {
    return this.socket.readable || this.assumptions.refused;
  }

  get writable(): boolean {
    return this.socket.writable || this.assumptions.refused;
  }

  close(): void {
    this.#closed = true;
    this.socket.close();
    this.notify();
  }
}

export class Descriptors {
  readonly #slots: (Slot | undefined)[] = [];
  #lowest = FIRST;
  #size = 0;

  /** Gives a socket the lowest free descriptor; EMFILE, and the socket is closed, when there are too many. */
  open(socket: AnyKind): number | Failure {
    if (this.#size === SETSIZE) {
      socket.close();
      return new Failure('EMFILE');
    }
    const descriptor = this.#lowest;
    this.#slots[descriptor] = new Slot(socket);
    this.#size += 1;
    do this.#lowest += 1;
    while (this.#slots[this.#lowest] !== undefined);
    return descriptor;
  }

  /** What stands behind a descriptor; undefined when nothing does (EBADF). */
  get(descriptor: number): Slot | undefined {
    return this.#slots[descriptor];
  }

  /** close(2); nothing happens for a descriptor that stands for nothing. */
  close(descriptor: number): void {
    const slot = this.#slots[descriptor];
    if (slot === undefined) return;
    this.#slots[descriptor] = undefined;
    this.#size -= 1;
    this.#lowest = Math.min(this.#lowest, descriptor);
    slot.close();
  }
}
