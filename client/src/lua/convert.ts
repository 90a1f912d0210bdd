/**
 * Values between a page and a Lua program. Strings are UTF-8 text for the page; bytes that are not valid UTF-8 become
 * lone surrogates U+DC80..U+DCFF and back, so that nothing is lost.
 */
import type { Strings } from '../core/strings.ts';
import { stringsOf } from '../strings.ts';
import { type Machine, type State, TYPE } from './machine.ts';

/** Tables in tables, at most. */
const DEPTH = 100;

export class Converter {
  readonly #machine: Machine;
  readonly #strings: Strings<string> = stringsOf('utf8');

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** The bytes of text. */
  bytes(text: string | Uint8Array): Uint8Array {
    // A mode without strings for some text is not that of UTF-8.
    return typeof text === 'string' ? (this.#strings.encode(text) ?? new Uint8Array()) : text;
  }

  text(state: State, index: number): string {
    return this.#strings.decode(this.#machine.view(state, index).slice());
  }

  /**
   * Pushes a value of the page's: null, undefined, booleans, numbers, strings, Uint8Arrays, arrays, and plain objects and
   * Maps of such. @throws TypeError for anything else.
   */
  push(state: State, value: unknown, depth = 0): void {
    const { module } = this.#machine;
    if (depth > DEPTH) throw new TypeError('a value for Lua is nested too deeply, or contains itself');
    this.#ensure(state);
    if (value === null || value === undefined) module._lua_pushnil(state);
    else if (typeof value === 'boolean') module._lua_pushboolean(state, value ? 1 : 0);
    else if (typeof value === 'number') module._lua_pushnumber(state, value);
    else if (typeof value === 'string' || value instanceof Uint8Array) {
      this.#machine.pushString(state, this.bytes(value));
    } else {
      const entries = entriesOf(value);
      module._lua_createtable(state, 0, 0);
      for (const [key, element] of entries) {
        if (element === null || element === undefined) continue;
        this.push(state, key, depth + 1);
        this.push(state, element, depth + 1);
        module._lua_rawset(state, -3);
      }
    }
  }

  /**
   * A value of Lua's for the page: nil is null; a table with no keys but 1..n is an array (an empty one too), any other an
   * object, whose keys are text; functions, userdata and threads are the text that Lua's tostring makes of them.
   * @throws TypeError for tables that contain themselves.
   */
  take(state: State, index: number, depth = 0): unknown {
    const { module } = this.#machine;
    if (depth > DEPTH) throw new TypeError('a table for the page is nested too deeply, or contains itself');
    this.#ensure(state);
    switch (module._lua_type(state, index)) {
      case TYPE.nil:
      case TYPE.none:
        return null;
      case TYPE.boolean:
        return module._lua_toboolean(state, index) !== 0;
      case TYPE.number:
        return module._lua_tonumber(state, index);
      case TYPE.string:
        return this.text(state, index);
      case TYPE.table:
        return this.#takeTable(state, this.#machine.absolute(state, index), depth);
      default:
        return this.#described(state, index);
    }
  }

  /** Lua has room for some 8,000 values on a stack. */
  #ensure(state: State): void {
    if (this.#machine.module._lua_checkstack(state, 8) === 0) throw new RangeError('too many values for Lua');
  }

  #takeTable(state: State, index: number, depth: number): unknown {
    const { module } = this.#machine;
    const entries: [key: unknown, value: unknown][] = [];
    module._lua_pushnil(state);
    while (module._lua_next(state, index) !== 0) {
      entries.push([this.take(state, -2, depth + 1), this.take(state, -1, depth + 1)]);
      this.#machine.pop(state);
    }
    // Keys differ, so that n whole numbers from 1 to n are all of them.
    const isPlace = (key: unknown) => Number.isInteger(key) && Number(key) >= 1 && Number(key) <= entries.length;
    if (!entries.every(([key]) => isPlace(key))) {
      return Object.fromEntries(entries.map(([key, value]) => [String(key), value]));
    }
    const list = new Array<unknown>(entries.length);
    for (const [key, value] of entries) list[Number(key) - 1] = value;
    return list;
  }

  /** The text that Lua's own tostring makes, which may raise: then only the type's name. */
  #described(state: State, index: number): string {
    const { module } = this.#machine;
    const place = this.#machine.absolute(state, index);
    this.#machine.pushGlobal(state, 'tostring');
    module._lua_pushvalue(state, place);
    const text = module._lua_pcall(state, 1, 1, 0) === 0 ? this.text(state, -1) : '?';
    this.#machine.pop(state);
    return text;
  }
}

function entriesOf(value: unknown): Iterable<readonly [key: unknown, value: unknown]> {
  if (Array.isArray(value)) return value.map((element, index) => [index + 1, element]);
  if (value instanceof Map) return value;
  const prototype: unknown = typeof value === 'object' && value !== null ? Object.getPrototypeOf(value) : undefined;
  if (prototype === Object.prototype || prototype === null) return Object.entries(value as object);
  throw new TypeError(`Lua has nothing like ${String(value)}`);
}
