/**
 * Exceptions: except.c. A try throws what a failure says, a protect turns it back into a failure. What they run is the
 * program's, and on the async face answers with Promises; so they are written as steps, which yield whatever such a
 * function returned and go on with what came of it.
 */
import { isNil, typeName } from './lua.ts';

/** Yields what a function of the program returned; is resumed with its outcome. */
export type Steps<T> = Generator<unknown, T, unknown>;

/** What a try throws. `value` is the second result of the call that failed: its message. */
export class LuaSocketError extends Error {
  override readonly name = 'LuaSocketError';
  readonly value: unknown;
  constructor(value: unknown) {
    super(String(value));
    this.value = value;
  }
}

/** The function that socket.newtry(finalizer) makes. */
export function* attempt(finalizer: unknown, given: readonly unknown[]): Steps<unknown[]> {
  // A lone argument is the tuple of results itself, or what will be one.
  const lone = given.length === 1 ? yield given[0] : null;
  const results: readonly unknown[] = Array.isArray(lone) ? lone : given.length === 1 ? [lone] : given;
  let [first, second] = results;
  if (!isNil(first) && first !== false) return results.map((value) => value ?? null);
  try {
    if (!isNil(finalizer)) yield called(finalizer)();
  } catch (thrown) {
    // lua_pcall leaves it on the stack, behind the results; whatever is second there is wrapped, a try's table once more.
    if (results.length === 1) {
      if (thrown instanceof LuaSocketError) second = [thrown.value];
      else second = thrown instanceof Error ? thrown.message : thrown;
    }
  }
  throw new LuaSocketError(second ?? null);
}

function called(f: unknown): (...args: unknown[]) => unknown {
  if (typeof f !== 'function') throw new TypeError(`attempt to call a ${typeName(f)} value`);
  return f as (...args: unknown[]) => unknown;
}

/** The function that socket.protect(f) makes. */
export function* guarded(f: unknown, args: readonly unknown[]): Steps<unknown[]> {
  try {
    const result = yield called(f)(...args);
    if (Array.isArray(result)) return result;
    return result === undefined ? [] : [result];
  } catch (thrown) {
    return [null, unwrap(thrown)];
  }
}

/** The value in a try's exception, or in any table; everything else is thrown on. */
function unwrap(thrown: unknown): unknown {
  if (thrown instanceof LuaSocketError) return thrown.value ?? null;
  if (Array.isArray(thrown)) return thrown[0] ?? null;
  if (isPlain(thrown)) return thrown['1'] ?? null;
  throw thrown;
}

function isPlain(value: unknown): value is { readonly [key: string]: unknown } {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
