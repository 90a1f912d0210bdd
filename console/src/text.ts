/** Frames and their fields as text for people. */

/** An address with its port, as frames hold it. */
interface Endpoint {
  readonly family: 4 | 6;
  readonly address: string;
  readonly port: number;
  readonly scope?: number;
}

/** Bytes of a payload that the log shows. */
const PREVIEW = 64;
/** Characters of a line of output; longer ones make the page slow. */
const LONGEST = 10_000;
/** Bytes that are not UTF-8, as strings of `strings: 'utf8'` hold them: lone surrogates. */
const LONE = /[\udc80-\udcff]/gu;

/** `127.0.0.1:80`, `[::1]:80`. */
export function endpointText({ family, address, port, scope }: Endpoint): string {
  const zone = scope === undefined || scope === 0 ? '' : `%${scope}`;
  return family === 6 ? `[${address}${zone}]:${port}` : `${address}:${port}`;
}

/** Bytes as text in quotes: printable ASCII as it is, the rest escaped. */
export function bytesText(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes.subarray(0, PREVIEW)) text += byteText(byte);
  return `"${text}"${bytes.length > PREVIEW ? ` … ${bytes.length} bytes` : ''}`;
}

function byteText(byte: number): string {
  if (byte === 0x0a) return '\\n';
  if (byte === 0x0d) return '\\r';
  if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
}

/** The fields of a frame: `socket 3, payload "hello"`. */
export function fieldsText(frame: { readonly type: string; readonly [field: string]: unknown }): string {
  return Object.entries(frame)
    .filter(([name]) => name !== 'type')
    .map(([name, value]) => `${name} ${valueText(value)}`)
    .join(', ');
}

/** What a snippet prints: strings as they are, with bytes that are not UTF-8 as `\\xff`; other values as in programs. */
export function printedText(values: readonly unknown[]): string {
  const text = values.map((value) => (typeof value === 'string' ? value : valueText(value))).join(' ');
  const shown = text.length > LONGEST ? text.slice(0, LONGEST) : text;
  const seen = shown.replace(LONE, (lone) => `\\x${(lone.charCodeAt(0) & 0xff).toString(16)}`);
  return shown === text ? seen : `${seen} … ${text.length} characters`;
}

/**
 * Any value that a frame holds, or that a snippet prints.
 * @param above what it is within, so that what leads back to itself comes to an end.
 */
export function valueText(value: unknown, above: readonly unknown[] = []): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return value.name === '' ? 'a function' : `function ${value.name}`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (above.includes(value)) return '(again)';
  if (value instanceof Uint8Array) return bytesText(value);
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  const within = [...above, value];
  if (value instanceof Map) return fieldsOf(Object.fromEntries(value), within);
  if (value instanceof Set || Array.isArray(value)) {
    return `[${Array.from(value, (inner: unknown) => valueText(inner, within)).join(', ')}]`;
  }
  if (isEndpoint(value)) return endpointText(value);
  if (value.toString !== Object.prototype.toString && typeof value.toString === 'function') return String(value);
  return fieldsOf(value, within);
}

function fieldsOf(value: object, within: readonly unknown[]): string {
  const entries = Object.entries(value).map(([name, inner]) => `${name}: ${valueText(inner, within)}`);
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

function isEndpoint(value: object): value is Endpoint {
  return 'family' in value && 'address' in value && 'port' in value;
}
