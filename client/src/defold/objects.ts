/** The sockets that a game holds, by the number it knows them by; and what of each it was told, so that it is told changes only. */
import type { TcpSocket, UdpSocket } from '../api.ts';
import type { Descriptors, Slot } from '../core/descriptors.ts';
import { isNil, parseNumber } from '../core/lua.ts';
import { luaString } from './literal.ts';

export type SocketObject = TcpSocket<'sync'> | UdpSocket<'sync'>;

/** What a game may conclude of a descriptor without asking; modules of luasocket_web/ know the same bits. */
const READABLE = 1;
const WRITABLE = 2;
/** When nothing is readable, receiving answers "timeout". */
const RECEIVES = 4;

export class Handle {
  readonly id: number;
  readonly object: SocketObject;
  told = '';
  #block = -1;
  #total = -1;

  constructor(id: number, object: SocketObject) {
    this.id = id;
    this.object = object;
  }

  /** The object's limits, as a settimeout that went through left them. timeout.c, timeout_meth_settimeout. */
  limit(seconds: unknown, mode: unknown): void {
    const given = typeof seconds === 'string' ? parseNumber(seconds) : seconds;
    const limit = typeof given === 'number' ? given : -1;
    if (isNil(mode) || String(mode).startsWith('b')) this.#block = limit;
    else this.#total = limit;
  }

  /** Whether its calls never wait. */
  get isImpatient(): boolean {
    return this.#block === 0 || this.#total === 0;
  }

  /** Its state as a statement, where it has changed. */
  tell(): string {
    const { object, id } = this;
    const state = `S(${id},${object.getfd()},${luaString(object.class)},${object.dirty()},${this.isImpatient})`;
    if (state === this.told) return '';
    this.told = state;
    return `${state} `;
  }
}

export class Objects {
  readonly #handles = new Map<number, Handle>();
  /** What was told of descriptors. */
  readonly #bits = new Map<number, number>();
  #made = 0;

  get(id: number): Handle | undefined {
    return this.#handles.get(id);
  }

  /** A new object, as an expression. */
  add(object: SocketObject): string {
    this.#made += 1;
    const handle = new Handle(this.#made, object);
    this.#handles.set(handle.id, handle);
    const kind = object.class.slice(0, 3);
    return `N(${handle.id},"${kind}",${object.getfd()},${luaString(object.class)})`;
  }

  /** The game's garbage collector has found one. */
  drop(id: number): void {
    this.#handles.get(id)?.object.close();
    this.#handles.delete(id);
  }

  /** Closes all, and tells the game. */
  closeAll(): void {
    for (const { object } of this.#handles.values()) object.close();
  }

  tellObjects(): string {
    return Array.from(this.#handles.values(), (handle) => handle.tell()).join('');
  }

  /** What has changed of one descriptor, as a statement. */
  tellDescriptor(descriptors: Descriptors | null, descriptor: number): string {
    const slot = descriptors?.get(descriptor);
    const before = this.#bits.get(descriptor);
    if (slot === undefined) {
      if (before === undefined) return '';
      this.#bits.delete(descriptor);
      return `F(${descriptor})`;
    }
    const bits = bitsOf(slot);
    if (bits === before) return '';
    this.#bits.set(descriptor, bits);
    return `F(${descriptor},${bits})`;
  }

  /** The same for all that the game knows of. */
  tellDescriptors(descriptors: Descriptors | null): string {
    let told = '';
    for (const descriptor of [...this.#bits.keys()]) told += this.tellDescriptor(descriptors, descriptor);
    return told;
  }
}

function bitsOf({ socket, readable, writable }: Slot): number {
  const receives = socket.kind === 'udp' || socket.established;
  return (readable ? READABLE : 0) | (writable ? WRITABLE : 0) | (receives ? RECEIVES : 0);
}

export function isSocket(value: unknown): value is SocketObject {
  return typeof value === 'object' && value !== null && 'getfd' in value && 'settimeout' in value;
}
