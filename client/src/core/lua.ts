/**
 * Lua 5.1's view of values: names of types, numbers as text, text as numbers, and C's conversions of a double.
 * LuaSocket's argument checks and messages rest on these. Knows no socket.
 */

/** Lua's name for the type of a value; an absent argument is the caller's business. luaL_typename. */
export function typeName(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return 'nil';
    case 'boolean':
      return 'boolean';
    case 'number':
      return 'number';
    case 'string':
      return 'string';
    case 'function':
      // Sources and sinks are callable tables in Lua.
      return 'getfd' in value ? 'table' : 'function';
    case 'object':
      if (value === null) return 'nil';
      if (value instanceof Uint8Array) return 'string';
      return 'class' in value ? 'userdata' : 'table';
    default:
      return 'userdata';
  }
}

export function isNil(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

/** A number as lua_tostring writes it: `%.14g` (luaconf.h, LUAI_NUMFFORMAT). */
export function numberText(n: number): string {
  if (Number.isInteger(n) && Math.abs(n) < 1e14) return Object.is(n, -0) ? '-0' : String(n);
  // What 0/0 yields on x86 has its sign bit set, and printf shows it.
  if (Number.isNaN(n)) return '-nan';
  if (!Number.isFinite(n)) return n > 0 ? 'inf' : '-inf';
  const [mantissa = '', exponent = '0'] = rounded(n).split('e');
  const power = Number(exponent);
  if (power < -4 || power >= 14) {
    return `${trimZeros(mantissa)}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  }
  const sign = n < 0 ? '-' : '';
  const digits = mantissa.replace(/[-.]/g, '').padStart(14 - Math.min(power, 0), '0');
  const point = Math.max(power, 0) + 1;
  return sign + trimZeros(`${digits.slice(0, point)}.${digits.slice(point)}`);
}

/** Fourteen digits, like toExponential(13); but a tie goes to the even digit, as printf has it. */
function rounded(n: number): string {
  const nearest = n.toExponential(13);
  const [exact = '', exponent] = n.toExponential(100).split('e');
  const [, kept = '', even] = /^(-?\d\.\d{12}(\d))50*$/.exec(exact) ?? [];
  return even !== undefined && '02468'.includes(even) ? `${kept}e${exponent}` : nearest;
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0*$/, '') : text;
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const HEXADECIMAL = /^([+-]?)0x([\da-f]*)\.?([\da-f]*)(?:p([+-]?\d+))?$/i;

/** What luaO_str2d makes of text: strtod with its hex, inf and nan, blanks on both sides; null when it is no number. */
export function parseNumber(text: string): number | null {
  // strtod's end is compared with the terminating NUL, so that a NUL inside ends the number too.
  const nul = text.indexOf('\0');
  const trimmed = (nul < 0 ? text : text.slice(0, nul)).replace(/^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g, '');
  if (DECIMAL.test(trimmed)) return Number(trimmed);
  const hex = HEXADECIMAL.exec(trimmed);
  if (hex !== null) {
    const [, sign, whole = '', fraction = '', exponent = '0'] = hex;
    if (whole === '' && fraction === '') return null;
    let value = 0;
    for (const digit of whole + fraction) value = value * 16 + Number.parseInt(digit, 16);
    value *= 2 ** (Number(exponent) - 4 * fraction.length);
    return sign === '-' ? -value : value;
  }
  const word = /^([+-]?)(inf|infinity|nan(?:\(\w*\))?)$/i.exec(trimmed);
  if (word === null) return null;
  if (word[2]?.toLowerCase().startsWith('nan')) return Number.NaN;
  return word[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** (int) of a double, as x86 converts: towards zero, and the smallest int for what does not fit. */
export function toInt(n: number): number {
  const whole = Math.trunc(n);
  return whole >= -0x8000_0000 && whole <= 0x7fff_ffff ? whole + 0 : -0x8000_0000;
}

/** (long) of a double, likewise with 64 bits (as far as a double is exact). */
export function toLong(n: number): number {
  const whole = Math.trunc(n);
  return whole >= -(2 ** 63) && whole < 2 ** 63 ? whole + 0 : -(2 ** 63);
}

/** (size_t) of a double, as gcc converts: negatives wrap, 2^64 and more become 0. */
export function toSize(n: number): number {
  if (Number.isNaN(n)) return 2 ** 63;
  const whole = Math.trunc(n);
  if (whole >= 2 ** 64) return 0;
  if (whole >= 0) return whole + 0;
  return whole >= -(2 ** 63) ? whole + 2 ** 64 : 2 ** 63;
}
