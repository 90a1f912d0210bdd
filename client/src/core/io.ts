/**
 * Sources, sinks and choose: socket.lua. They call methods of the program's object, and so are steps as in except.ts.
 */
import type { Patience } from './context.ts';
import type { Steps } from './except.ts';
import { isNil, typeName } from './lua.ts';
import { BLOCKSIZE } from './misc.ts';
import type { Selectable } from './results.ts';

/** What they ask of a client; any object that has it will do. */
export interface ClientLike extends Selectable {
  receive(count: number): unknown;
  send(data: unknown): unknown;
  close(): unknown;
}

/** One call of a source or sink. */
export type Chunks = (...args: unknown[]) => Steps<unknown[]>;

type Table<T> = { readonly [name: string]: (first: never, second: never) => T };

/** socket.choose(table): a function that calls the entry its first argument names, or `default`. */
export function choose<T>(table: Table<T>): (...args: unknown[]) => T {
  return (...args) => {
    const named = typeof args[0] === 'string';
    const name = named ? (args[0] as string) : 'default';
    const entry = Object.hasOwn(table, name) ? table[name] : undefined;
    if (entry === undefined) throw new RangeError(`unknown key (${name})`);
    const [first, second] = named ? args.slice(1) : args;
    return entry(first as never, second as never);
  };
}

/** Results of the program's object, as an array. */
function tuple(results: unknown): readonly unknown[] {
  return Array.isArray(results) ? results : [results];
}

/** The sinks: each makes, for a client, the function that is called with each chunk. */
export const SINKS = {
  'close-when-done': (client: ClientLike): Chunks =>
    function* (chunk) {
      if (isNil(chunk) || chunk === false) {
        yield client.close();
        return [1];
      }
      return [...tuple(yield client.send(chunk))];
    },
  'keep-open': keepOpen,
  default: keepOpen,
} as const;

function keepOpen(client: ClientLike): Chunks {
  return function* (chunk) {
    return isNil(chunk) || chunk === false ? [1] : [...tuple(yield client.send(chunk))];
  };
}

/**
 * The sources: each makes, for a client, the function that answers the next chunk. `sizeOf` counts a chunk's bytes.
 * Without patience what has come is a chunk: LuaSocket's lose it when the time is up before all 2048 bytes are here.
 */
export function sources(sizeOf: (chunk: unknown) => number, patience: Patience) {
  /** The client's answer, a part that has come counted as a whole where nobody waits for the rest. */
  function* receive(client: ClientLike, count: number): Steps<readonly unknown[]> {
    const results = tuple(yield client.receive(count));
    const [, error, partial] = results;
    return patience === 'never' && error === 'timeout' && sizeOf(partial) > 0 ? [partial] : results;
  }
  const untilClosed = (client: ClientLike): Chunks => {
    let done = false;
    return function* () {
      if (done) return [null];
      const [chunk, error, partial] = yield* receive(client, BLOCKSIZE);
      if (isNil(error)) return [chunk];
      if (error !== 'closed') return [null, error];
      yield client.close();
      done = true;
      return [partial];
    };
  };
  return {
    'by-length': (client: ClientLike, length: number): Chunks => {
      let left = length;
      return function* () {
        if (typeof left !== 'number') throw new TypeError(`attempt to compare ${typeName(left)} with number`);
        if (left <= 0) return [null];
        const [chunk, error] = yield* receive(client, Math.min(BLOCKSIZE, left));
        if (!isNil(error)) return [null, error];
        left -= sizeOf(chunk);
        return [chunk];
      };
    },
    'until-closed': untilClosed,
    default: untilClosed,
  } as const;
}
