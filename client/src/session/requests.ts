/**
 * Requests that wait for their answer, by number; and how the values of answers are read. A value of another shape
 * than PROTOCOL.md gives it is the relay's fault.
 */
import { type Endpoint, unpackEndpoint } from '@luasocket-web/shared/address';
import { isOutcomeCode, ProtocolError } from '@luasocket-web/shared/errors';
import type { OptionValue, Scalar, Value } from '@luasocket-web/shared/frames';
import { type Endpoints, Failure } from '../core/channel.ts';
import { Settling } from './pending.ts';

/** What a request's sender makes of its answer. */
export interface Reader<T> {
  /** The answer, of REPLY's value. */
  readonly read: (value: Value) => T;
  /** Hears of a FAIL. `late`: the request was waived, so its waiter does not hear of it. */
  readonly refused?: ((failure: Failure, late: boolean) => void) | undefined;
  /** What its waiter is told when it is waived; without it, it never is. */
  readonly assumed?: { readonly value: T } | undefined;
}

/** One request. As a look-up it can be a target before it is answered, by its number. */
export class Request<T> extends Settling<T> {
  readonly number: number;
  readonly #reader: Reader<T>;

  constructor(number: number, reader: Reader<T>) {
    super();
    this.number = number;
    this.#reader = reader;
  }

  reply(value: Value): void {
    const result = this.#reader.read(value);
    if (!this.settled) this.settle(result);
  }

  fail(failure: Failure): void {
    const late = this.settled;
    this.#reader.refused?.(failure, late);
    if (!late) this.settle(failure);
  }

  /** The answer is a long time coming: its waiter goes on as if it had come. True when that settles it. */
  waive(): boolean {
    const { assumed } = this.#reader;
    if (!assumed || this.settled) return false;
    this.settle(assumed.value);
    return true;
  }
}

export class Requests {
  readonly #open = new Map<number, Request<unknown>>();
  #last = 0;

  /** How many are unanswered. */
  get size(): number {
    return this.#open.size;
  }

  begin<T>(reader: Reader<T>): Request<T> {
    const request = new Request(++this.#last, reader);
    this.#open.set(request.number, request);
    return request;
  }

  /** @throws ProtocolError when no such request is open, or the answer has the wrong shape. */
  reply(number: number, value: Value): Request<unknown> {
    const request = this.#take(number);
    request.reply(value);
    return request;
  }

  fail(number: number, failure: Failure): Request<unknown> {
    const request = this.#take(number);
    request.fail(failure);
    return request;
  }

  /** Nobody will answer any more. */
  failAll(failure: Failure): Request<unknown>[] {
    const all = [...this.#open.values()];
    this.#open.clear();
    for (const request of all) request.fail(failure);
    return all;
  }

  /** Those that can be are settled; their answers are still to come. */
  waiveAll(): Request<unknown>[] {
    return [...this.#open.values()].filter((request) => request.waive());
  }

  #take(number: number): Request<unknown> {
    const request = this.#open.get(number);
    if (!request) throw new ProtocolError('unexpected', `an answer to request ${number}, which is not open`);
    this.#open.delete(number);
    return request;
  }
}

/**
 * A FAIL or ERROR as a value. A code that is not in the catalogue comes with the words to use; what comes with EACCES is
 * for developers, and programs are told LuaSocket's words.
 */
export function failureOf(error: string, detail: string | null): Failure {
  if (error === 'EACCES') return new Failure(error);
  if (isOutcomeCode(error)) return new Failure(error, detail ?? undefined);
  return new Failure('EPROTO', detail ?? error);
}

export function readNothing(): void {}

export function readText(value: Value): string {
  if (typeof value !== 'string') throw malformed('text');
  return value;
}

export function readEndpoint(value: Value): Endpoint {
  if (!(value instanceof Uint8Array)) throw malformed('an endpoint');
  return unpackEndpoint(value);
}

/** Addresses, and behind them how many seconds they hold, where the resolver told. */
export function readEndpoints(value: Value): Endpoints {
  const values = list(value, 'endpoints');
  const last = values.at(-1);
  if (typeof last !== 'number') return values.map(readEndpoint);
  return Object.assign(values.slice(0, -1).map(readEndpoint), { ttl: readSeconds(last) });
}

/** A time to live. */
export function readSeconds(value: Value): number {
  if (typeof value !== 'number' || !(value >= 0)) throw malformed('a time to live');
  return value;
}

export function readTexts(value: Value): readonly string[] {
  return list(value, 'texts').map(readText);
}

/** `length` values, or as many as `most`. */
export function readTuple(value: Value, length: number, most = length): readonly Value[] {
  const values = list(value, `${length} values`);
  if (values.length < length || values.length > most) throw malformed(`${length} values`);
  return values;
}

export function readOption(value: Value): OptionValue {
  if (value instanceof Uint8Array) throw malformed('the value of an option');
  if (value === null || typeof value !== 'object') return value;
  if (isList(value)) throw malformed('the value of an option');
  const map: { [key: string]: Scalar } = {};
  for (const [key, part] of Object.entries(value)) {
    if (part !== null && typeof part === 'object') throw malformed('a map of scalars');
    map[key] = part;
  }
  return map;
}

function list(value: Value, what: string): readonly Value[] {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array || !isList(value))
    throw malformed(what);
  return value;
}

/** Array.isArray does not narrow readonly arrays. */
function isList(value: readonly Value[] | { readonly [key: string]: Value }): value is readonly Value[] {
  return Array.isArray(value);
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('malformed', `an answer that is not ${what}`);
}
