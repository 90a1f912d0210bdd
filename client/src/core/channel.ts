/**
 * What the semantic core asks of a session: sockets as a kernel has them, seen from this side of the tunnel.
 *
 * The core is LuaSocket's C code over this interface, as LuaSocket is C over system calls. A call here never
 * waits: it answers with what is known, or with "would block" (null), or with a `Pending` that settles later.
 * How to wait is not decided here (see ../wait).
 */
import type { Endpoint, Family } from '@luasocket-web/shared/address';
import type { OutcomeCode } from '@luasocket-web/shared/errors';
import type { OptionValue } from '@luasocket-web/shared/frames';

export type { Endpoint, Family };

/** Something whose change may end a wait. */
export interface Source {
  /** Calls `wake` whenever this source may have changed, until the returned function is called. Calling twice is harmless. */
  subscribe(wake: () => void): () => void;
}

/** Why a call of the channel did not succeed. */
export class Failure {
  readonly code: OutcomeCode;
  /** The system's own text where the catalogue has none. */
  readonly detail: string | undefined;
  constructor(code: OutcomeCode, detail?: string) {
    this.code = code;
    this.detail = detail;
  }
}

/** The answer of the relay, perhaps not in yet. */
export interface Pending<T> extends Source {
  readonly settled: boolean;
  /** Meaningless until settled. */
  readonly result: T | Failure;
}

/** Where to bind or connect: an address, or the index-th answer of a look-up that may still be under way. */
export type Where = Endpoint | { readonly lookup: Pending<readonly Endpoint[]>; readonly index: number };

/** A socket of either kind: what both have. A closed socket is never asked again; the core drops it. */
export interface Socket extends Source {
  readonly kind: 'tcp' | 'udp';
  readonly family: Family;
  /** As select sees it: data, end, pending error, or (listening) a connection is there. */
  readonly readable: boolean;
  /** As select sees it: room for data, or a pending error. */
  readonly writable: boolean;
  /** The pending error (SO_ERROR): returned once, then null. */
  takeError(): Failure | null;
  bind(where: Where): Pending<void>;
  setOption(name: string, value: OptionValue): Pending<void>;
  getOption(name: string): Pending<OptionValue>;
  /** getsockname(2); settled at once where it is known on this side. */
  localName(): Pending<Endpoint>;
  /** The same as far as it is known on this side, for who cannot wait: what it was bound to, else the wildcard. */
  readonly knownName: Endpoint;
  /** getpeername(2); known on this side. */
  peerName(): Endpoint | Failure;
  /** close(2): releases it on both sides; what was sent is still delivered, undelivered received data resets. */
  close(): void;
}

/** Marks the end of a stream. */
export const END: unique symbol = Symbol('end');

export interface Stream extends Socket {
  readonly kind: 'tcp';
  /**
   * connect(2) of a non-blocking socket. Settles with undefined when the attempt has started (EINPROGRESS: then wait
   * for `writable`, and `takeError` tells the outcome), or a second time after success; else with EALREADY, EISCONN,
   * the pending error, or why it could not start.
   */
  connect(where: Where): Pending<'started' | 'done'>;
  /** True once the connection stands (or stood). */
  readonly established: boolean;
  listen(backlog: number): Pending<void>;
  /** accept(2): the next waiting connection, null when none, a Failure (EINVAL) when not listening. */
  accept(): Stream | Failure | null;
  /** How many bytes recv has at once: FIONREAD. */
  readonly available: number;
  /** recv(2), but at most one piece of what is there: 1..max bytes (a view that the caller may keep), END, null when it would block, or the pending error (once). */
  recv(max: number): Uint8Array | typeof END | Failure | null;
  /** send(2): how many of data[from..to) were taken; 0 when it would block; EPIPE after the end. `data` may be kept: the caller must not change it. */
  send(data: Uint8Array, from: number, to: number): number | Failure;
  /** shutdown(2), never answers. */
  shutdown(how: 'receive' | 'send' | 'both'): void;
}

export interface Datagram {
  readonly payload: Uint8Array;
  readonly peer: Endpoint;
}

export interface DatagramSocket extends Socket {
  readonly kind: 'udp';
  /** connect(2); null disconnects (AF_UNSPEC). */
  connect(where: Where | null): Pending<void>;
  /** recvfrom(2): the next datagram, null when none, or the pending error (once). */
  recv(): Datagram | Failure | null;
  /**
   * sendto(2), or send(2) when `peer` is null. The first datagram to a peer waits for the relay's verdict; later ones
   * settle at once, and an error of theirs becomes the pending error.
   */
  send(payload: Uint8Array, peer: Endpoint | null): Pending<void>;
}

/** Hints for a look-up: LuaSocket gives getaddrinfo different ones (inet.c, udp.c). */
export type LookupUse = 'connect' | 'bind' | 'numeric' | 'names';

/** What a look-up found. */
export interface Endpoints extends ReadonlyArray<Endpoint> {
  /** Seconds that the answer holds, where the resolver told. */
  readonly ttl?: number | undefined;
}

export interface HostEntry {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly addresses: readonly string[];
  /** Seconds that the answer holds, where the resolver told. */
  readonly ttl?: number | undefined;
}

export interface Channel {
  /** Seconds on a monotonic clock, for time limits and ages. */
  now(): number;
  /** Seconds since 1970 by the relay's clock; never runs backwards. */
  time(): number;
  /** socket(2). Fails with EMFILE when the session has no descriptor left, CLOSED when the relay is lost. */
  tcp(family: Family): Stream | Failure;
  udp(family: Family): DatagramSocket | Failure;
  /** getaddrinfo(3). `family` 0 means any. */
  lookup(
    host: string | null,
    service: string | null,
    family: Family | 0,
    kind: 'tcp' | 'udp',
    use: LookupUse,
  ): Pending<Endpoints>;
  /** getnameinfo(3) over getaddrinfo(3), as inet_global_getnameinfo does it: names by address, and the service. */
  nameinfo(
    host: string | null,
    service: string | null,
  ): Pending<{ readonly names: readonly string[]; readonly service: string | null }>;
  /** gethostbyaddr(3) for a dotted quad, else gethostbyname(3). */
  hostent(name: string): Pending<HostEntry>;
  /** gethostname(2). */
  hostname(): Pending<string>;
  /**
   * Settles once everything the relay's kernel had when it was asked has arrived here; at once while the relay cannot be
   * reached, for then nothing arrives.
   */
  barrier(): Pending<void>;
  /**
   * True when something was sent whose effect on other sockets no barrier has shown since: what this program did itself
   * a kernel would have brought to its other sockets by now.
   */
  readonly unfenced: boolean;
}
