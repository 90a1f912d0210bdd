/** Transcript lines: Lua values as JSON text, byte for byte what `real.lua` prints for them. */
import { contents, luaType } from './values.ts';

/** Byte strings above this length are printed as length, checksum and both ends. */
const LONGEST = 160;

/** A byte string in JSON, everything but printable ASCII as \u00xx. */
export function quote(bytes: string): string {
  const escaped = bytes.replace(/[^ !#-[\]-~]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `"${escaped}"`;
}

function adler32(bytes: string): number {
  let a = 1;
  let b = 0;
  for (let i = 0; i < bytes.length; i++) {
    a = (a + bytes.charCodeAt(i)) % 65_521;
    b = (b + a) % 65_521;
  }
  return b * 65_536 + a;
}

function printString(bytes: string): string {
  if (bytes.length <= LONGEST) return quote(bytes);
  const [head, tail] = [quote(bytes.slice(0, 16)), quote(bytes.slice(-16))];
  return `{"$long":${bytes.length},"adler32":${adler32(bytes)},"head":${head},"tail":${tail}}`;
}

/** C's `%.14g`, as Lua 5.1 turns a number into text. */
export function formatNumber(value: number): string {
  if (Object.is(value, -0)) return '-0';
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  if (value === 0) return '0';
  const [digits, exponent] = fourteenDigits(value);
  if (exponent < -4 || exponent >= 14) {
    return `${trim(digits)}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  return trim(Number(`${digits}e${exponent}`).toFixed(13 - exponent));
}

/** A number's digits, as `d.ddddddddddddd`, and its exponent. C rounds a tie to even, JavaScript away from zero. */
function fourteenDigits(value: number): [digits: string, exponent: number] {
  const split = (text: string): [string, number] => {
    const [digits = '', exponent = ''] = text.split('e');
    return [digits, Number(exponent)];
  };
  // 100 digits are exact for every number that could be a tie.
  const [exact, exponent] = split(value.toExponential(100));
  const cut = exact.indexOf('.') + 14;
  const tie = /^50*$/.test(exact.slice(cut));
  if (tie && Number(exact.charAt(cut - 1)) % 2 === 0) return [exact.slice(0, cut), exponent];
  return split(value.toExponential(13));
}

function trim(decimal: string): string {
  return decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal;
}

/** The class of a socket, as `object.class` tells; null for everything else. */
export function classOf(value: unknown): string | null {
  const type = luaType(value);
  if (type !== 'userdata' && type !== 'table') return null;
  const name: unknown = Reflect.get(value as object, 'class');
  return typeof name === 'string' ? name : null;
}

/** Prints values; objects that got a name print as their name. */
export class Printer {
  readonly #names: ReadonlyMap<unknown, string>;

  constructor(names: ReadonlyMap<unknown, string>) {
    this.#names = names;
  }

  /** `masked`: keys of tables whose values are printed as their type. */
  print(value: unknown, masked: ReadonlySet<unknown> = new Set()): string {
    const name = this.#names.get(value);
    switch (luaType(value)) {
      case 'nil':
        return 'null';
      case 'boolean':
        return String(value);
      case 'string':
        return printString(value as string);
      case 'number':
        return Number.isFinite(value) ? formatNumber(value as number) : `{"$num":"${formatNumber(value as number)}"}`;
      case 'userdata':
        return `{"$obj":${quote(classOf(value) ?? 'userdata')},"id":${name === undefined ? 'null' : quote(name)}}`;
      case 'function':
        return '{"$fn":true}';
      case 'table':
        return name === undefined ? this.#table(value as object, masked) : `{"$obj":"table","id":${quote(name)}}`;
    }
  }

  #table(table: object, masked: ReadonlySet<unknown>): string {
    const { list, rest } = contents(table);
    const items = list.map((item) => this.print(item, masked));
    const pairs = rest.map(
      ([key, item]) => `[${this.print(key)},${masked.has(key) ? mask(item) : this.print(item, masked)}]`,
    );
    pairs.sort();
    return `{"$list":[${items.join(',')}]${pairs.length > 0 ? `,"$map":[${pairs.join(',')}]` : ''}}`;
  }
}

/** Only the type of a value: of ports, descriptors and times. */
export function mask(value: unknown): string {
  return `{"$masked":"${luaType(value)}"}`;
}
