/**
 * What TCP and UDP sockets of a session have in common: their number, their names, options, and the pending error.
 * A socket holds what the relay has told about it (its mailbox) and asks for the rest; it never waits.
 */
import type { Endpoint, Family } from '@luasocket-web/shared/address';
import type { OptionValue, Target } from '@luasocket-web/shared/frames';
import type { SocketStatus } from '../api.ts';
import { Failure, type Pending, type Socket, type Where } from '../core/channel.ts';
import { failed, Settled } from './pending.ts';
import { Request, readEndpoint, readNothing, readOption } from './requests.ts';
import { Signal } from './signal.ts';
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
  /** Counts what may change the local name, so that an answer under way is not kept for a later state. */
  #names = 0;

  /** `local`: null for a socket that is new, whose local name is the wildcard. */
  constructor(id: number, family: Family, wire: Wire, local: Endpoint | null) {
    super();
    this.id = id;
    this.family = family;
    this.wire = wire;
    this.local = local ?? { family, address: family === 4 ? '0.0.0.0' : '::', port: 0 };
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
    const target = targetOf(where);
    if (target instanceof Failure) return new Settled<void>(target);
    this.renamed();
    return this.wire.request((request) => ({ type: 'bind', request, socket: this.id, target }), readNothing);
  }

  setOption(option: string, value: OptionValue): Pending<void> {
    return this.wire.request(
      (request) => ({ type: 'setoption', request, socket: this.id, option, value }),
      readNothing,
    );
  }

  getOption(option: string): Pending<OptionValue> {
    return this.wire.request((request) => ({ type: 'getoption', request, socket: this.id, option }), readOption);
  }

  localName(): Pending<Endpoint> {
    if (this.local) return new Settled<Endpoint>(this.local);
    if (this.wire.over) return failed('CLOSED');
    const names = this.#names;
    return this.wire.request(
      (request) => ({ type: 'getsockname', request, socket: this.id }),
      (value) => {
        const local = readEndpoint(value);
        // Without a port it is not bound yet, and may be by the next call.
        if (local.port !== 0 && names === this.#names) this.local = local;
        return local;
      },
    );
  }

  /** The local name may be another from now on. */
  protected renamed(local: Endpoint | null = null): void {
    this.#names++;
    this.local = local;
  }
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
