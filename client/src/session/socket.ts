/**
 * What TCP and UDP sockets of a session have in common: their number, their names, options, and the pending error.
 * A socket holds what the relay has told about it (its mailbox) and asks for the rest; it never waits.
 */
import type { Endpoint, Family } from '@luasocket-web/shared/address';
import type { OptionValue, Target } from '@luasocket-web/shared/frames';
import type { SocketStatus } from '../api.ts';
import { Failure, type Pending, type Socket, type Where } from '../core/channel.ts';
import { Signal } from '../core/signal.ts';
import { type Call, Held } from './held.ts';
import { failed, Settled } from './pending.ts';
import { Request, readEndpoint, readNothing, readOption } from './requests.ts';
import type { Wire } from './wire.ts';

export abstract class SessionSocket extends Signal implements Socket {
  abstract readonly kind: 'tcp' | 'udp';
  abstract readonly readable: boolean;
  abstract readonly writable: boolean;
  readonly id: number;
  readonly family: Family;
  /** SO_ERROR. */
  protected error: Failure | null = null;
  /** The local name, where it is known and cannot change any more. */
  protected local: Endpoint | null;
  protected readonly wire: Wire;
  readonly #held: Held;
  /** What it is bound to as far as this end knows or hopes; null: nothing yet. */
  #bound: Endpoint | null = null;
  /** False once something was asked that gives it a port. */
  #unbound: boolean;
  /** The kernel has taken back the address that it chose for an attempt; the port stays (tcp_disconnect). */
  #dissolved = false;
  /** Whoever asks for the local name while an answer is under way gets that one. */
  #naming: { readonly names: number; readonly pending: Pending<Endpoint> } | null = null;
  /** Counts what may change the local name, so that an answer under way is not kept for a later state. */
  #names = 0;

  /** `local`: null for a socket that is new, whose local name is the wildcard. */
  constructor(id: number, family: Family, wire: Wire, local: Endpoint | null) {
    super();
    this.id = id;
    this.family = family;
    this.wire = wire;
    this.#held = new Held(wire);
    this.#unbound = local === null;
    this.local = local ?? wildcard(family, 0);
  }

  abstract peerName(): Endpoint | Failure;
  abstract close(): void;
  abstract snapshot(): SocketStatus;
  /** The relay is gone: what has come stays readable, then everything is closed. */
  abstract lose(): void;

  takeError(): Failure | null {
    const error = this.error;
    this.error = null;
    return error;
  }

  bind(where: Where): Pending<void> {
    const port = 'lookup' in where || where.port !== 0 ? null : this.wire.lease(this.kind, this.family);
    const at = port === null ? where : { ...where, port };
    const target = targetOf(at);
    if (target instanceof Failure) return new Settled<void>(target);
    const before = { bound: this.#bound, unbound: this.#unbound };
    this.#bound = 'lookup' in at ? wildcard(this.family, 0) : at;
    this.#unbound = false;
    this.renamed();
    return this.request({
      role: 'bind',
      ask: (request) => ({ type: 'bind', request, socket: this.id, target }),
      read: readNothing,
      refused: () => {
        this.#bound = before.bound;
        this.#unbound = before.unbound;
        this.renamed(this.#unbound ? wildcard(this.family, 0) : null);
        this.bindRefused();
      },
    });
  }

  /**
   * Something is about to be asked that binds the socket if it is not bound: with a leased port the name is known. Nothing
   * need wait for it, since a port that is reserved is not refused.
   */
  protected autobind(): void {
    if (!this.#unbound) return;
    this.#unbound = false;
    this.renamed();
    const port = this.wire.lease(this.kind, this.family);
    if (port === null) return;
    const target = wildcard(this.family, port);
    this.#bound = target;
    this.request({
      role: 'other',
      ask: (request) => ({ type: 'bind', request, socket: this.id, target }),
      read: readNothing,
      refused: () => {
        this.#bound = null;
      },
    });
  }

  setOption(option: string, value: OptionValue): Pending<void> {
    return this.request({
      role: 'other',
      ask: (request) => ({ type: 'setoption', request, socket: this.id, option, value }),
      read: readNothing,
    });
  }

  getOption(option: string): Pending<OptionValue> {
    return this.request({
      role: 'other',
      ask: (request) => ({ type: 'getoption', request, socket: this.id, option }),
      read: readOption,
    });
  }

  get knownName(): Endpoint {
    return this.local ?? this.#bound ?? wildcard(this.family, 0);
  }

  localName(): Pending<Endpoint> {
    if (this.local) return new Settled<Endpoint>(this.local);
    if (this.wire.over) return failed('CLOSED');
    const names = this.#names;
    if (this.#naming && this.#naming.names === names && !this.#naming.pending.settled) return this.#naming.pending;
    const pending = this.request({
      role: 'other',
      ask: (request) => ({ type: 'getsockname', request, socket: this.id }),
      read: (value) => {
        const told = readEndpoint(value);
        // What bind gave stays. (`local` is null here.)
        const local = this.#dissolved ? { ...this.knownName, port: told.port } : told;
        // Without a port it is not bound yet, and may be by the next call.
        if (local.port !== 0 && names === this.#names) this.local = local;
        return local;
      },
    });
    this.#naming = { names, pending };
    return pending;
  }

  /** A bind was refused that may have been taken for granted. */
  protected bindRefused(): void {}

  /** A request of this socket, in order. */
  protected request<T>(call: Call<T>): Pending<T> {
    return this.#held.request(call);
  }

  /** Nothing that waits is sent any more. */
  protected abandon(): void {
    this.#held.close();
  }

  /** The local name may be another from now on. */
  protected renamed(local: Endpoint | null = null, dissolved = false): void {
    this.#names++;
    this.#dissolved = dissolved;
    this.local = local;
  }
}

function wildcard(family: Family, port: number): Endpoint {
  return { family, address: family === 4 ? '0.0.0.0' : '::', port };
}

/** A target for the relay: the address where it is known, else a reference to the look-up's answer. */
export function targetOf(where: Where): Target | Failure {
  if (!('lookup' in where)) return where;
  const { lookup, index } = where;
  if (!lookup.settled && lookup instanceof Request) return { request: lookup.number, index };
  const { result } = lookup;
  if (result instanceof Failure) return result;
  return result[index] ?? new Failure('EAI_NONAME');
}

/** As programs write it. */
export function shown(endpoint: Endpoint | null): string | null {
  if (!endpoint) return null;
  const { family, address, port } = endpoint;
  return family === 4 ? `${address}:${port}` : `[${address}]:${port}`;
}
