/**
 * The requests of a socket behind a bind that is not answered yet. A bind that is refused leaves the socket without its
 * port: what would then go out from any other (connect, send) must not reach the relay.
 */
import { Failure, type Pending } from '../core/channel.ts';
import { Settling } from './pending.ts';
import type { Reader } from './requests.ts';
import type { Ask, Wire } from './wire.ts';

/** What a request is to a bind before it: another one, something that waits for it to have succeeded, or neither. */
type Role = 'bind' | 'dependent' | 'other';

/** A request and what becomes of its answer, as Wire.request takes them. */
export interface Call<T> extends Reader<T> {
  readonly role: Role;
  readonly ask: Ask;
}

interface Waiting {
  readonly role: Role;
  start(): void;
  cancel(failure: Failure): void;
}

export class Held {
  readonly #wire: Wire;
  readonly #waiting: Waiting[] = [];
  /** A bind was sent and is not answered. */
  #binding = false;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** Sends a request, now or when the bind before it has succeeded. All are sent in order. */
  request<T>(call: Call<T>): Pending<T> {
    const waits = this.#binding && (call.role !== 'other' || this.#waiting.length > 0);
    if (!waits || this.#wire.over) return this.#send(call);
    const later = new Later<T>(this.#wire);
    this.#waiting.push({
      role: call.role,
      start: () => later.follow(this.#send(call)),
      cancel: (failure) => {
        call.refused?.(failure, false);
        later.fail(failure);
      },
    });
    return later;
  }

  /** The socket is closed: nothing of what waits is sent. */
  close(): void {
    for (const waiting of this.#waiting.splice(0)) waiting.cancel(new Failure('EBADF'));
  }

  #send<T>(call: Call<T>): Pending<T> {
    const { role, ask, read, refused } = call;
    if (role !== 'bind') return this.#wire.request(ask, call);
    this.#binding = !this.#wire.over;
    return this.#wire.request(ask, {
      read: (value) => {
        const result = read(value);
        this.#answered(null);
        return result;
      },
      refused: (failure, late) => {
        refused?.(failure, late);
        this.#answered(failure);
      },
    });
  }

  #answered(failure: Failure | null): void {
    this.#binding = false;
    let refusal = failure;
    while (!this.#binding) {
      const next = this.#waiting.shift();
      if (!next) return;
      if (next.role === 'bind') refusal = null;
      if (refusal !== null && next.role === 'dependent') next.cancel(refusal);
      else next.start();
    }
  }
}

/** The answer to a request that is not sent yet. */
class Later<T> extends Settling<T> {
  readonly #wire: Wire;

  constructor(wire: Wire) {
    super();
    this.#wire = wire;
  }

  follow(pending: Pending<T>): void {
    if (pending.settled) this.#end(pending.result);
    else pending.subscribe(() => pending.settled && !this.settled && this.#end(pending.result));
  }

  fail(failure: Failure): void {
    this.#end(failure);
  }

  #end(result: T | Failure): void {
    this.settle(result);
    this.#wire.wake(this);
  }
}
