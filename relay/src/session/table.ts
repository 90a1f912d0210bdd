/** The sockets of a session by id: who may choose which, how many there may be. Closes none itself. */
import { ProtocolError } from '@luasocket-web/shared/errors';
import { FIRST_RELAY_SOCKET } from '@luasocket-web/shared/frames';
import type { DatagramPort } from './datagrams.ts';
import type { Stream } from './stream.ts';

export type Entry = Stream | DatagramPort;

/** Sockets that could not be made still have their ids; a client that opens on and on is at fault at this multiple. */
const REFUSED_FACTOR = 2;

export class SocketTable {
  readonly #entries = new Map<number, Entry>();
  readonly #limit: number;
  readonly #reached: () => void;
  #nextAccepted = FIRST_RELAY_SOCKET;

  /** @param limit sockets at once. @param reached told when one more was wanted. */
  constructor(limit: number, reached: () => void) {
    this.#limit = limit;
    this.#reached = reached;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Whether one more may be made, which is wanted now. */
  hasRoom(): boolean {
    if (this.#entries.size < this.#limit) return true;
    this.#reached();
    return false;
  }

  /** @throws ProtocolError `unknown_socket` */
  get(id: number): Entry {
    const entry = this.#entries.get(id);
    if (!entry) throw new ProtocolError('unknown_socket', `socket ${id} is not in use`);
    return entry;
  }

  /** A TCP socket. @throws ProtocolError `unknown_socket`, `wrong_kind` */
  stream(id: number): Stream {
    const entry = this.get(id);
    if (entry.kind !== 'tcp') throw new ProtocolError('wrong_kind', `socket ${id} is a UDP socket`);
    return entry;
  }

  /** A UDP socket. @throws ProtocolError `unknown_socket`, `wrong_kind` */
  port(id: number): DatagramPort {
    const entry = this.get(id);
    if (entry.kind !== 'udp') throw new ProtocolError('wrong_kind', `socket ${id} is a TCP socket`);
    return entry;
  }

  /** A socket with an id of the client's choice. @throws ProtocolError `socket_in_use`, `limit` */
  open(entry: Entry): void {
    const { id } = entry;
    if (id < 1 || id >= FIRST_RELAY_SOCKET || this.#entries.has(id)) {
      throw new ProtocolError('socket_in_use', `socket ${id} is in use, or not the client's to choose`);
    }
    if (this.#entries.size >= this.#limit * REFUSED_FACTOR) {
      throw new ProtocolError('limit', `${this.#entries.size} sockets are open`);
    }
    this.#entries.set(id, entry);
  }

  /** A socket with an id of the relay's choice; null when there is no room. */
  adopt<T extends Entry>(create: (id: number) => T): T | null {
    if (!this.hasRoom()) return null;
    const entry = create(this.#nextAccepted++);
    this.#entries.set(entry.id, entry);
    return entry;
  }

  remove(entry: Entry): void {
    this.#entries.delete(entry.id);
  }

  /** Every socket, and the table is empty. */
  clear(): Entry[] {
    const all = [...this.#entries.values()];
    this.#entries.clear();
    return all;
  }

  [Symbol.iterator](): IterableIterator<Entry> {
    return this.#entries.values();
  }
}
