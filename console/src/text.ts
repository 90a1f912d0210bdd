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

/** Any value that a frame holds, or that a snippet prints. */
export function valueText(value: unknown): string {
  if (value instanceof Uint8Array) return bytesText(value);
  if (value instanceof Map) return valueText(Object.fromEntries(value));
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'object' && value !== null) return objectText(value);
  return String(value);
}

function objectText(value: object): string {
  if (isEndpoint(value)) return endpointText(value);
  if (value.toString !== Object.prototype.toString) return String(value);
  const entries = Object.entries(value).map(([name, inner]) => `${name}: ${valueText(inner)}`);
  return `{ ${entries.join(', ')} }`;
}

function isEndpoint(value: object): value is Endpoint {
  return 'family' in value && 'address' in value && 'port' in value;
}
