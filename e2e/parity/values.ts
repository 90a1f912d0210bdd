/**
 * JavaScript values seen as Lua values: what type they have, and what a table holds. null and undefined are nil;
 * arrays and plain objects are tables; objects with a class of their own are userdata (the sockets); functions that
 * carry `getfd` are LuaSocket's callable tables (its sources and sinks).
 */

export type LuaType = 'nil' | 'boolean' | 'number' | 'string' | 'table' | 'function' | 'userdata';

/** Holds the entries of a table whose keys are neither 1..n nor strings only; JavaScript has no such object. */
const ENTRIES: unique symbol = Symbol('entries');

interface OddTable {
  readonly [ENTRIES]: readonly (readonly [unknown, unknown])[];
}

export function luaType(value: unknown): LuaType {
  switch (typeof value) {
    case 'undefined':
      return 'nil';
    case 'boolean':
    case 'number':
    case 'string':
      return typeof value as 'boolean' | 'number' | 'string';
    case 'function':
      return Object.hasOwn(value, 'getfd') ? 'table' : 'function';
    case 'object':
      return value === null ? 'nil' : isPlain(value) ? 'table' : 'userdata';
    default:
      return 'userdata';
  }
}

function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A table from pairs. Positive whole keys make an array (nil where there is a gap), which is what a caller in JavaScript would hand in. */
export function tableOf(pairs: readonly (readonly [unknown, unknown])[]): object {
  const indices = pairs.map(([key]) => key).filter((key): key is number => isIndex(key));
  const length = Math.max(0, ...indices);
  const table: Record<string | number, unknown> | unknown[] = length > 0 ? new Array(length).fill(null) : {};
  for (const [key, value] of pairs) {
    if (isIndex(key)) Reflect.set(table, length > 0 ? key - 1 : key, value);
    else if (typeof key === 'string') Reflect.set(table, key, value);
  }
  Object.defineProperty(table, ENTRIES, { value: pairs.filter(([, value]) => luaType(value) !== 'nil') });
  return table;
}

function isIndex(key: unknown): key is number {
  return typeof key === 'number' && Number.isInteger(key) && key >= 1 && key <= 65_536;
}

/** What a table holds: the values at 1..n, and all other pairs. */
export interface Contents {
  readonly list: readonly unknown[];
  readonly rest: readonly (readonly [unknown, unknown])[];
}

export function contents(table: object): Contents {
  const pairs = ENTRIES in table ? (table as OddTable)[ENTRIES] : pairsOf(table);
  const byKey = new Map(pairs);
  const list: unknown[] = [];
  while (byKey.has(list.length + 1)) list.push(byKey.get(list.length + 1));
  return {
    list,
    rest: pairs.filter(
      ([key]) => !(typeof key === 'number' && key >= 1 && key <= list.length && Number.isInteger(key)),
    ),
  };
}

function pairsOf(table: object): [unknown, unknown][] {
  const pairs: [unknown, unknown][] = [];
  if (Array.isArray(table)) {
    for (const [position, value] of (table as unknown[]).entries()) pairs.push([position + 1, value]);
    // The tables of select are keyed by the sockets too.
    if ('get' in table && typeof table.get === 'function') {
      const get = table.get.bind(table) as (key: unknown) => unknown;
      for (const value of new Set<unknown>(table)) pairs.push([value, get(value)]);
    }
  } else {
    pairs.push(...Object.entries(table));
  }
  return pairs.filter(([, value]) => luaType(value) !== 'nil');
}

/** `value[key]` as Lua reads it; throws Lua's message when `value` cannot be indexed. */
export function index(value: unknown, key: unknown, name: string): unknown {
  const type = luaType(value);
  if (type === 'table' && typeof value === 'object') {
    const { list, rest } = contents(value as object);
    if (typeof key === 'number' && key >= 1 && key <= list.length) return list[key - 1];
    return rest.find(([other]) => other === key)?.[1];
  }
  if (type === 'table' || type === 'userdata') return member(value as object, String(key));
  if (type === 'string') return undefined;
  throw new TypeError(`attempt to index ${name} (a ${type} value)`);
}

/** A property that is not merely there because everything in JavaScript has it. */
export function member(object: object, key: string): unknown {
  const inherited = typeof object === 'function' ? Function.prototype : Object.prototype;
  if (!Object.hasOwn(object, key) && key in inherited) return undefined;
  return Reflect.get(object, key);
}
