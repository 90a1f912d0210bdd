/** The functions that a scenario may call beside the library's own. */
import { classOf, formatNumber } from './print.ts';
import { contents, luaType } from './values.ts';

/** Results of a call, as Lua returns them. */
export type Results = readonly unknown[];
export type Helper = (...args: unknown[]) => Results;

/** The helpers of one run; `log` and `getlog` share a log. */
export function makeHelpers(): ReadonlyMap<string, Helper> {
  let logged: unknown[] = [];
  return new Map<string, Helper>([
    ['eq', (a, b) => [(a ?? null) === (b ?? null)]],
    ['type', (value) => [luaType(value)]],
    ['tostring', (value) => [text(value)]],
    ['len', (value) => [length(value)]],
    ['pack', (...values) => values],
    ['between', (value, low, high) => [typeof value === 'number' && value >= Number(low) && value <= Number(high)]],
    [
      'raise',
      (value) => {
        throw value ?? null;
      },
    ],
    ['class', (value) => [classOf(value)]],
    [
      'log',
      (value) => {
        if (luaType(value) !== 'nil') logged.push(value);
        return [value];
      },
    ],
    [
      'getlog',
      () => {
        const log = logged;
        logged = [];
        return [log];
      },
    ],
    ['fakesock', (fd, dirty) => [{ getfd: () => fd, dirty: () => dirty }]],
    ['keys', (table) => [keysOf(table)]],
    // Nothing here is closed by the garbage collector.
    ['gc', () => []],
  ]);
}

function text(value: unknown): string {
  switch (luaType(value)) {
    case 'nil':
      return 'nil';
    case 'number':
      return formatNumber(value as number);
    case 'table':
    case 'function':
      return `${luaType(value)}: PTR`;
    default:
      return String(value).replace(/0x[0-9a-f]+/gi, 'PTR');
  }
}

function length(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (luaType(value) === 'table') return contents(value as object).list.length;
  throw new TypeError(`attempt to get length of local 's' (a ${luaType(value)} value)`);
}

function keysOf(table: unknown): string[] {
  if (luaType(table) !== 'table')
    throw new TypeError(`bad argument #1 to 'pairs' (table expected, got ${luaType(table)})`);
  const { list, rest } = contents(table as object);
  return [...list.keys()]
    .map((i) => String(i + 1))
    .concat(rest.map(([key]) => text(key)))
    .sort();
}
