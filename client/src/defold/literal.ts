/**
 * What JavaScript answers, as Lua source: the game reads it with `loadstring`, whose parser is C and so decodes bytes
 * several times faster than any hex or base64 in Lua could. Printable ASCII only, since nothing else comes through
 * `html5.run` unharmed.
 */

/** A value that knows how it is written. */
interface Written {
  toLua(): string;
}

/** What is not printable ASCII, and what ends or escapes a string. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const UNSAFE = /[\x00-\x1f"\\\x7f-\xff]/g;
const ESCAPED: readonly string[] = Array.from({ length: 256 }, (_, byte) => `\\${String(byte).padStart(3, '0')}`);

/** A string of bytes, one character (U+0000 to U+00FF) each. */
export function luaString(bytes: string): string {
  return `"${bytes.replace(UNSAFE, (char) => ESCAPED[char.charCodeAt(0)] as string)}"`;
}

/** A message: as it is where it may quote a string of bytes, in UTF-8 where it has characters beyond U+00FF. */
export function luaText(text: string): string {
  const isBytes = [...text].every((char) => char <= '\u00ff');
  return luaString(isBytes ? text : String.fromCharCode(...new TextEncoder().encode(text)));
}

function luaNumber(number: number): string {
  if (Number.isNaN(number)) return '(0/0)';
  if (!Number.isFinite(number)) return number > 0 ? '(1/0)' : '(-1/0)';
  return String(number);
}

/** Null and undefined are nil; arrays and plain objects are tables. */
export function luaValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return luaString(value);
    case 'number':
      return luaNumber(value);
    case 'boolean':
      return String(value);
    case 'object':
      return value === null ? 'nil' : luaTable(value);
    default:
      return 'nil';
  }
}

function luaTable(table: object): string {
  if (isWritten(table)) return table.toLua();
  if (Array.isArray(table)) return `{${table.map(luaValue).join(',')}}`;
  const fields = Object.entries(table).map(([key, value]) => `[${luaString(key)}]=${luaValue(value)}`);
  return `{${fields.join(',')}}`;
}

function isWritten(value: object): value is Written {
  return 'toLua' in value && typeof value.toLua === 'function';
}
