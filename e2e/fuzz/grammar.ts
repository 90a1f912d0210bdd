/**
 * A client that keeps to the protocol and is as odd as that allows: any frame in any state of its sockets, with values
 * from the edges, in any msgpack form. Knows what PROTOCOL.md makes a client know, so that no message of its is a fault.
 */

import { FRAMES, type RelayFrame } from '../../shared/src/frames.ts';
import { MAX_DATA, MAX_DATAGRAM_V4, MAX_MESSAGE, POOL_INITIAL } from '../../shared/src/limits.ts';
import type { Random } from '../chaos/random.ts';
import type { Packable } from '../fixtures/msgpack.ts';
import { HOSTS, INTS, OPTION_VALUES, OPTIONS, packWildly, SERVICES, UINTS } from './values.ts';

/** Where the run's own servers are, and places that must be denied. */
export interface Targets {
  readonly tcp: readonly [number, ...number[]];
  readonly udp: readonly [number, ...number[]];
  /** Of the world's servers. */
  readonly address: string;
  /** Of the relay, and of those who must not be disturbed. */
  readonly forbidden: readonly (readonly [address: string, port: number])[];
}

interface Socket {
  readonly id: number;
  readonly udp: boolean;
  /** CONNECTED has come, or it was accepted: DATA may be sent. */
  established: boolean;
  /** SHUTDOWN was sent: no more DATA. */
  finished: boolean;
  /** Bytes of DATA sent and not given back. */
  sent: number;
  /** Bytes of DATA heard and not given back. */
  heard: number;
  /** The listener in whose queue it waits. */
  listener: Socket | null;
}

const MAX_PENDING = 3000;
const SOCKETS = 48;
/** Beyond what a session may have, within what it may try. */
const HOARD = 1100;
const LAST_REQUEST = 2 ** 53 - 2;
/** Bytes left for heads of frames. */
const ROOM = MAX_MESSAGE - 1024;

const code = (name: keyof typeof FRAMES): number => FRAMES[name].code;

export function endpoint(address: string, port: number): Uint8Array {
  return Uint8Array.of(...address.split('.').map(Number), port >> 8, port & 255);
}

const endpoint6 = (last: readonly number[], port: number, scope: readonly number[] = []): Uint8Array =>
  Uint8Array.of(...new Array(16 - last.length).fill(0), ...last, port >> 8, port & 255, ...scope);

export class Actor {
  readonly #random: Random;
  readonly #targets: Targets;
  readonly #most: number;
  readonly #sockets = new Map<number, Socket>();
  readonly #pending = new Set<number>();
  #nextId = 1;
  #request = 0;
  #received = 0;
  #outstanding = 0;

  constructor(random: Random, targets: Targets) {
    this.#random = random;
    this.#targets = targets;
    this.#most = random.chance(0.02) ? HOARD : random.between(1, SOCKETS);
  }

  /** What the relay says. */
  heard(frames: readonly RelayFrame[]): void {
    for (const frame of frames) {
      if (FRAMES[frame.type].sequenced) this.#received++;
      this.#hear(frame);
    }
  }

  /** The next message. */
  message(): Buffer {
    const random = this.#random;
    const count = random.chance(0.9) ? random.between(1, 3) : random.between(1, 40);
    // Due with the next message (PROTOCOL.md, section 6).
    const parts: Buffer[] = [packWildly([code('ack'), this.#received], random)];
    let length = 0;
    for (let i = 0; i < count; i++) {
      const frame = packWildly(this.frame(), random);
      length += frame.length;
      parts.push(frame);
      if (length > ROOM - MAX_DATA) break;
    }
    return Buffer.concat(parts);
  }

  /** The next frame; it counts as sent. */
  frame(): Packable[] {
    const random = this.#random;
    if (this.#sockets.size === 0 || (this.#sockets.size < this.#most && random.chance(0.12))) return this.#open();
    if (random.chance(0.02)) return [code('ack'), this.#received];
    const socket = this.#any();
    return random.of(socket.udp ? UDP : TCP)(this, socket) ?? random.of(ALWAYS)(this, socket) ?? [code('ping'), 1];
  }

  #hear(frame: RelayFrame): void {
    switch (frame.type) {
      case 'reply':
      case 'fail':
        this.#pending.delete(frame.request);
        return;
      case 'connected': {
        const socket = this.#sockets.get(frame.socket);
        if (socket) socket.established = true;
        return;
      }
      case 'accepted': {
        const listener = this.#sockets.get(frame.listener);
        if (listener) this.#add(frame.socket, false, listener);
        return;
      }
      case 'data': {
        const socket = this.#sockets.get(frame.socket);
        if (socket) socket.heard += frame.payload.length;
        return;
      }
      case 'credit': {
        const socket = this.#sockets.get(frame.socket);
        if (!socket) return;
        socket.sent -= frame.bytes;
        this.#outstanding -= frame.bytes;
      }
    }
  }

  #open(): Packable[] {
    const udp = this.#random.chance(0.4);
    // Ids need not follow each other.
    this.#nextId += this.#random.chance(0.02) ? this.#random.between(1, 1_000_000) : 1;
    this.#add(this.#nextId, udp, null);
    return [code('open'), this.#nextId, udp ? 1 : 0, this.#random.chance(0.8) ? 4 : 6];
  }

  #add(id: number, udp: boolean, listener: Socket | null): void {
    this.#sockets.set(id, { id, udp, established: false, finished: false, sent: 0, heard: 0, listener });
  }

  #any(): Socket {
    const all = [...this.#sockets.values()];
    return all[this.#random.between(0, all.length - 1)] ?? (all[0] as Socket);
  }

  /** A request, if there may be one more. */
  request(name: keyof typeof FRAMES, ...fields: Packable[]): Packable[] | null {
    if (this.#pending.size >= MAX_PENDING || this.#request >= LAST_REQUEST) return null;
    const far = this.#random.chance(0.0005) ? this.#random.between(0, 2 ** 40) : 0;
    this.#request = Math.min(LAST_REQUEST, this.#request + 1 + far);
    this.#pending.add(this.#request);
    return [code(name), this.#request, ...fields];
  }

  /** An address of any kind: mostly one that may be reached. */
  target(udp: boolean): Packable {
    const random = this.#random;
    const { tcp, udp: udpPorts, address, forbidden } = this.#targets;
    if (random.chance(0.6)) return endpoint(address, random.of(udp ? udpPorts : tcp));
    return random.of<() => Packable>([
      () => null,
      () => [Math.max(0, this.#request - random.between(0, 80)), random.of(UINTS)],
      () => [random.of(UINTS), random.of(UINTS)],
      () => this.peer(udp),
      () => endpoint(...random.of(forbidden as [readonly [string, number]])),
    ])();
  }

  /** An address, packed. */
  peer(udp: boolean): Uint8Array {
    const random = this.#random;
    const { tcp, udp: udpPorts, address } = this.#targets;
    const port = random.of([0, 1, 53, 80, 65_535, ...tcp, ...udpPorts]);
    if (random.chance(0.4)) return endpoint(address, random.of(udp ? udpPorts : tcp));
    return random.of([
      () => endpoint(`127.1.${random.between(0, 255)}.${random.between(0, 255)}`, port),
      () => endpoint('127.0.0.1', port),
      () => endpoint('0.0.0.0', port),
      () => endpoint('10.0.0.1', port),
      () => endpoint('169.254.169.254', 80),
      () => endpoint('224.0.0.1', port),
      () => endpoint('255.255.255.255', port),
      () => endpoint6([1], port),
      () => endpoint6([], port),
      () => endpoint6([255, 255, 127, 0, 0, 1], port),
      () => endpoint6([254, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], port, [0, 0, 0, 1]),
      () => endpoint6([1], port, [255, 255, 255, 255]),
      () => endpoint6([255, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], port),
    ])();
  }

  of<T>(list: readonly [T, ...T[]]): T {
    return this.#random.of(list);
  }

  payload(most: number, least = 0): Buffer {
    const length = this.#random.of([least, 1, 2, 63, 64, 512, 1024, 4096, this.#random.between(least, most)]);
    return Buffer.alloc(Math.max(least, Math.min(most, length)), this.#random.between(0, 255));
  }

  data(socket: Socket): Packable[] | null {
    const room = Math.min(POOL_INITIAL - this.#outstanding, MAX_DATA);
    if (!socket.established || socket.finished || room < 1) return null;
    const payload = this.payload(this.#random.chance(0.05) ? room : Math.min(room, 4096), 1);
    socket.sent += payload.length;
    this.#outstanding += payload.length;
    return [code('data'), socket.id, payload];
  }

  credit(socket: Socket): Packable[] {
    if (socket.udp) return [code('credit'), socket.id, this.of(UINTS)];
    const bytes = this.#random.chance(0.8) ? socket.heard : this.#random.between(0, socket.heard);
    socket.heard -= bytes;
    return [code('credit'), socket.id, bytes];
  }

  shutdown(socket: Socket): Packable[] {
    const how = this.#random.between(0, 2);
    if (how > 0) socket.finished = true;
    return [code('shutdown'), socket.id, how];
  }

  accept(socket: Socket): Packable[] | null {
    if (socket.listener === null) return null;
    socket.listener = null;
    socket.established = true;
    return [code('accept'), socket.id];
  }

  close(socket: Socket): Packable[] {
    for (const child of [...this.#sockets.values()]) if (child.listener === socket) this.#forget(child);
    this.#forget(socket);
    return [code('close'), socket.id, this.of(UINTS)];
  }

  #forget(socket: Socket): void {
    this.#outstanding -= socket.sent;
    this.#sockets.delete(socket.id);
  }
}

type Maker = (actor: Actor, socket: Socket) => Packable[] | null;
type Makers = readonly [Maker, ...Maker[]];

const SHARED: Makers = [
  (a, s) => a.request('bind', s.id, a.target(s.udp)),
  (a, s) => a.request('connect', s.id, a.target(s.udp)),
  (a, s) => a.request('setoption', s.id, a.of(OPTIONS), a.of(OPTION_VALUES)),
  (a, s) => a.request('getoption', s.id, a.of(OPTIONS)),
  (a, s) => a.request('getsockname', s.id),
  (a, s) => a.credit(s),
  (a, s) => a.close(s),
];

const ALWAYS: Makers = [
  (a) => a.request('resolve', a.of(HOSTS), a.of(SERVICES), a.of([0, 4, 6]), a.of([0, 1]), a.of([0, 1, 2, 3])),
  (a) => a.request('nameinfo', a.of(HOSTS), a.of(SERVICES)),
  (a) => a.request('hostent', a.of(HOSTS) ?? ''),
  (a) => a.request('hostname'),
  (a) => a.request('barrier'),
  (a) => [code('ping'), a.of(UINTS)],
  (a) => [code('pong'), a.of(UINTS), a.of([0, -1.5, 1e308, Number.NEGATIVE_INFINITY, 2 ** 53 - 1])],
  (a) => [code('pool'), a.of(UINTS)],
];

const TCP: Makers = [
  ...SHARED,
  (a, s) => a.request('connect', s.id, a.target(false)),
  (a, s) => a.request('listen', s.id, a.of(INTS)),
  (a, s) => a.shutdown(s),
  (a, s) => a.accept(s),
  (a, s) => a.data(s),
  (a, s) => a.data(s),
  (a, s) => a.data(s),
  () => null,
  () => null,
];

const UDP: Makers = [
  ...SHARED,
  (a, s) => a.request('sendto', s.id, a.of([null, a.peer(true)]), a.payload(a.of([64, 1500, MAX_DATAGRAM_V4]))),
  (a, s) => [code('datagram'), s.id, a.of([null, a.peer(true)]), a.payload(a.of([64, 1500, MAX_DATAGRAM_V4]))],
  (a, s) => [code('datagram'), s.id, a.of([null, a.peer(true)]), a.payload(64)],
  () => null,
  () => null,
];
