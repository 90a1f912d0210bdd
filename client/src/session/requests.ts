/**
 * Requests that wait for their answer, by number; and how the values of answers are read. A value of another shape
 * than PROTOCOL.md gives it is the relay's fault.
 */
import { type Endpoint, unpackEndpoint } from '@luasocket-web/shared/address';
import { isOutcomeCode, ProtocolError } from '@luasocket-web/shared/errors';
import type { OptionValue, Scalar, Value } from '@luasocket-web/shared/frames';
import { Failure } from '../core/channel.ts';
import { Settling } from './pending.ts';

/** One request. As a look-up it can be a target before it is answered, by its number. */
export class Request<T> extends Settling<T> {
  readonly number: number;
  readonly #read: (value: Value) => T;
  readonly #refused: ((failure: Failure) => void) | undefined;

  constructor(number: number, read: (value: Value) => T, refused?: (failure: Failure) => void) {
    super();
    this.number = number;
    this.#read = read;
    this.#refused = refused;
  }

  reply(value: Value): void {
    this.settle(this.#read(value));
  }

  fail(failure: Failure): void {
    this.#refused?.(failure);
    this.settle(failure);
  }
}

export class Requests {
  readonly #open = new Map<number, Request<unknown>>();
  #last = 0;

  /** How many are unanswered. */
  get size(): number {
    return this.#open.size;
  }

  begin<T>(read: (value: Value) => T, refused?: (failure: Failure) => void): Request<T> {
    const request = new Request(++this.#last, read, refused);
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

  #take(number: number): Request<unknown> {
    const request = this.#open.get(number);
    if (!request) throw new ProtocolError('unexpected', `an answer to request ${number}, which is not open`);
    this.#open.delete(number);
    return request;
  }
}

/** A FAIL or ERROR as a value. A code that is not in the catalogue comes with the words to use. */
export function failureOf(error: string, detail: string | null): Failure {
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

export function readEndpoints(value: Value): readonly Endpoint[] {
  return list(value, 'endpoints').map(readEndpoint);
}

export function readTexts(value: Value): readonly string[] {
  return list(value, 'texts').map(readText);
}

/** Exactly `length` values. */
export function readTuple(value: Value, length: number): readonly Value[] {
  const values = list(value, `${length} values`);
  if (values.length !== length) throw malformed(`${length} values`);
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
