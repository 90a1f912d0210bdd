/**
 * The arguments of one call, taken as LuaSocket's C code takes them: luaL_check* and luaL_opt* with their coercions and
 * their messages. A wrong type is a TypeError, a wrong value a RangeError. `undefined` is nil, and the number of
 * arguments is that of the call, since the messages tell "nil" from "no value".
 */
import { isNil, numberText, parseNumber, typeName } from './lua.ts';
import type { Strings } from './strings.ts';

export class Args {
  readonly #name: string;
  readonly #values: readonly unknown[];
  readonly #strings: Strings;

  constructor(name: string, values: readonly unknown[], strings: Strings) {
    this.#name = name;
    this.#values = values;
    this.#strings = strings;
  }

  /** The n-th argument, from 1, as it is. */
  at(n: number): unknown {
    return this.#values[n - 1];
  }

  /** luaL_checkstring for what becomes a C string: cut at the first NUL. */
  text(n: number): string {
    const value = this.at(n);
    const text = typeof value === 'string' ? value : this.#coerced(n, value);
    const nul = text.indexOf('\0');
    return nul < 0 ? text : text.slice(0, nul);
  }

  optText<D>(n: number, otherwise: D): string | D {
    return isNil(this.at(n)) ? otherwise : this.text(n);
  }

  /** luaL_checklstring for data, in memory that the program cannot change afterwards. */
  bytes(n: number): Uint8Array {
    const bytes = this.borrowed(n);
    return bytes === this.at(n) ? bytes.slice() : bytes;
  }

  /** The same, but perhaps in the program's own memory: to be copied before anything waits. */
  borrowed(n: number): Uint8Array {
    const value = this.at(n);
    if (value instanceof Uint8Array) return value;
    const text = typeof value === 'string' ? value : this.#coerced(n, value);
    return this.#strings.encode(text) ?? this.fail(n, 'character above U+00FF in a binary string');
  }

  optBytes(n: number): Uint8Array | null {
    return isNil(this.at(n)) ? null : this.bytes(n);
  }

  /** lua_isnumber and lua_tonumber: the number that a number or numeric string stands for, else null. */
  numeric(n: number): number | null {
    const value = this.at(n);
    if (typeof value === 'number') return value;
    if (typeof value === 'string') return parseNumber(value);
    return value instanceof Uint8Array ? parseNumber(latin(value)) : null;
  }

  number(n: number): number {
    return this.numeric(n) ?? this.wrongType(n, 'number');
  }

  optNumber(n: number, otherwise: number): number {
    return isNil(this.at(n)) ? otherwise : this.number(n);
  }

  boolean(n: number): boolean {
    const value = this.at(n);
    return typeof value === 'boolean' ? value : this.wrongType(n, 'boolean');
  }

  /** A function to read the fields of a table argument by. */
  table(n: number): (field: string) => unknown {
    const value = this.at(n);
    if (typeName(value) !== 'table') return this.wrongType(n, 'table');
    return (field) => (value as { readonly [field: string]: unknown })[field];
  }

  /** luaL_checkoption. */
  option<const O extends string>(n: number, otherwise: O, options: readonly O[]): O {
    const text = this.optText(n, otherwise);
    return options.find((option) => option === text) ?? this.fail(n, `invalid option '${text}'`);
  }

  /** luaL_argerror. */
  fail(n: number, message: string): never {
    throw new RangeError(`bad argument #${n} to '${this.#name}' (${message})`);
  }

  /** luaL_typerror. */
  wrongType(n: number, expected: string): never {
    const got = n > this.#values.length ? 'no value' : typeName(this.at(n));
    throw new TypeError(`bad argument #${n} to '${this.#name}' (${expected} expected, got ${got})`);
  }

  #coerced(n: number, value: unknown): string {
    if (typeof value === 'number') return numberText(value);
    if (value instanceof Uint8Array) return latin(value);
    return this.wrongType(n, 'string');
  }
}

/** Names and numbers are ASCII; whatever else there is must only not be mistaken for it. */
function latin(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
