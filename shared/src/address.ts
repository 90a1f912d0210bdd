/**
 * Addresses: what an endpoint is, and its binary and text forms. Text is what glibc's inet_ntop prints, since that
 * is what LuaSocket's getsockname shows. Knows no name, no policy and no interface.
 */
import { ProtocolError } from './errors.ts';

/** An address with its port. */
export interface Endpoint {
  /** 4 or 6. */
  readonly family: Family;
  /** As inet_ntop prints it, e.g. `127.0.0.1`, `::1`, `::ffff:10.0.0.1`; no scope. */
  readonly address: string;
  /** 0..65535. */
  readonly port: number;
  /** The interface index of a link-local IPv6 address; absent or 0 when none. */
  readonly scope?: number;
}
export type Family = 4 | 6;

/** Bytes of a packed endpoint: IPv4 + port, IPv6 + port, IPv6 + port + scope. */
const V4_BYTES = 6;
const V6_BYTES = 18;
const SCOPED_BYTES = 22;
const PORT_BYTES = 2;
const MAX_PORT = 65_535;
const DOT = 0x2e;
const ZERO = 0x30;
const MAX_SCOPE = 0xffff_ffff;

/**
 * The wire form: address, port, and (IPv6 with an interface) scope, big-endian.
 * @throws ProtocolError `internal` when the endpoint is none; addresses of users go through `parseAddress` first.
 */
export function packEndpoint({ family, address, port, scope = 0 }: Endpoint): Uint8Array {
  const scoped = scope !== 0;
  const isKnown = isIndex(port, MAX_PORT) && isIndex(scope, MAX_SCOPE) && !(scoped && family === 4);
  const packed = isKnown ? packAddress(family, address, scoped) : null;
  if (!packed) throw new ProtocolError('internal', `not an endpoint: ${address} port ${port} scope ${scope}`);
  let at = family === 4 ? V4_BYTES - PORT_BYTES : V6_BYTES - PORT_BYTES;
  packed[at++] = port >>> 8;
  packed[at++] = port;
  if (scoped) {
    packed[at++] = scope >>> 24;
    packed[at++] = scope >>> 16;
    packed[at++] = scope >>> 8;
    packed[at++] = scope;
  }
  return packed;
}

/** The address, with room for the rest behind it; null when it is none. */
function packAddress(family: Family, address: string, scoped: boolean): Uint8Array | null {
  if (family === 4) {
    const packed = new Uint8Array(V4_BYTES);
    return parseV4(address, packed) ? packed : null;
  }
  const octets = parseV6(address);
  if (!octets) return null;
  const packed = new Uint8Array(scoped ? SCOPED_BYTES : V6_BYTES);
  packed.set(octets);
  return packed;
}

/** @throws ProtocolError `malformed` unless `b` has 6, 18 or 22 bytes. */
export function unpackEndpoint(b: Uint8Array): Endpoint {
  switch (b.length) {
    case V4_BYTES:
      return endpointOf(4, b, 0, 4);
    case V6_BYTES:
      return endpointOf(6, b, 0, 16);
    case SCOPED_BYTES:
      return endpointOf(6, b, 0, 16, word(b, 18) * 0x1_0000 + word(b, 20));
    default:
      throw new ProtocolError('malformed', `an endpoint of ${b.length} bytes`);
  }
}

/** The endpoint whose address and port are at these places of `b`, in network order. */
export function endpointOf(family: Family, b: Uint8Array, address: number, port: number, scope = 0): Endpoint {
  const text = family === 4 ? formatV4(b, address) : formatV6(b, address);
  const bare: Endpoint = { family, address: text, port: word(b, port) };
  return scope === 0 ? bare : { ...bare, scope };
}

/**
 * Remembers the endpoints it has unpacked, since a UDP socket hears the same few peers again and again. Belongs to
 * one decoder; forgets everything when it is full, which costs one unpacking per peer.
 */
export class EndpointCache {
  readonly #size: number;
  readonly #known = new Map<number, Endpoint>();

  /** `size`: endpoints remembered at most. */
  constructor(size = 256) {
    this.#size = size;
  }

  /** Like `unpackEndpoint`. Only IPv4 is remembered: its six bytes make an exact number. */
  unpack(b: Uint8Array): Endpoint {
    if (b.length !== V4_BYTES) return unpackEndpoint(b);
    const key = word(b, 0) * 0x1_0000_0000 + word(b, 2) * 0x1_0000 + word(b, 4);
    const known = this.#known.get(key);
    if (known) return known;
    const endpoint = unpackEndpoint(b);
    if (this.#known.size >= this.#size) this.#known.clear();
    this.#known.set(key, endpoint);
    return endpoint;
  }
}

/**
 * A literal address as inet_pton(3) takes it: a strict dotted quad or an IPv6 literal without zone. The text comes
 * back normalised. Null for everything else (names, `127.1`, `0x7f000001`, `010.0.0.1`, `::1%lo`, `[::1]`).
 */
export function parseAddress(text: string): { family: Family; address: string } | null {
  // A strict quad is in its normal form.
  if (parseV4(text, null)) return { family: 4, address: text };
  const v6 = parseV6(text);
  return v6 ? { family: 6, address: formatV6(v6, 0) } : null;
}

/** A port in plain decimal, 0..65535: no sign, blank, or superfluous zero. */
export function parsePort(text: string): number | null {
  if (!/^(?:0|[1-9]\d{0,4})$/.test(text)) return null;
  const port = Number(text);
  return port <= MAX_PORT ? port : null;
}

function isIndex(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}

function word(b: Uint8Array, at: number): number {
  return ((b[at] ?? 0) << 8) | (b[at + 1] ?? 0);
}

function formatV4(b: Uint8Array, at: number): string {
  return `${b[at]}.${b[at + 1]}.${b[at + 2]}.${b[at + 3]}`;
}

/** inet_ntop6 of glibc: the first longest run of two or more zero groups becomes `::`; mapped and compatible in quads. */
function formatV6(b: Uint8Array, at: number): string {
  let best = 0;
  let bestLength = 1;
  let run = 0;
  for (let group = 0; group < 8; group++) {
    run = word(b, at + group * 2) === 0 ? run + 1 : 0;
    if (run > bestLength) {
      best = group - run + 1;
      bestLength = run;
    }
  }
  if (bestLength < 2) return groups(b, at, 0, 8);
  if (best === 0 && (bestLength === 6 || (bestLength === 5 && word(b, at + 10) === 0xffff))) {
    return `::${bestLength === 5 ? 'ffff:' : ''}${formatV4(b, at + 12)}`;
  }
  return `${groups(b, at, 0, best)}::${groups(b, at, best + bestLength, 8)}`;
}

function groups(b: Uint8Array, at: number, from: number, to: number): string {
  let text = '';
  for (let group = from; group < to; group++) {
    text += `${group > from ? ':' : ''}${word(b, at + group * 2).toString(16)}`;
  }
  return text;
}

/** Whether it is a strict dotted quad; its octets go to `octets`. By hand, since it runs for each datagram sent. */
function parseV4(text: string, octets: Uint8Array | null): boolean {
  if (text.length > 15) return false;
  let index = 0;
  let digits = 0;
  let octet = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT && digits > 0 && index < 3) {
      if (octets) octets[index] = octet;
      index++;
      octet = 0;
      digits = 0;
    } else {
      // inet_pton refuses leading zeros, since others read them as octal.
      const digit = code - ZERO;
      if (digit < 0 || digit > 9 || (digits > 0 && octet === 0)) return false;
      octet = octet * 10 + digit;
      digits++;
      if (octet > 255) return false;
    }
  }
  if (index < 3 || digits === 0) return false;
  if (octets) octets[3] = octet;
  return true;
}

function parseV6(text: string): Uint8Array | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0] ?? '', halves.length === 1);
  const tail = parseGroups(halves[1] ?? '', halves.length === 2);
  if (!head || !tail) return null;
  // `::` stands for at least one group of zeros.
  if (halves.length === 1 ? head.length !== 16 : head.length + tail.length > 14) return null;
  const octets = new Uint8Array(16);
  octets.set(head);
  octets.set(tail, 16 - tail.length);
  return octets;
}

/** The bytes of colon-separated groups; a dotted quad may stand last in the address. */
function parseGroups(text: string, last: boolean): number[] | null {
  if (text === '') return [];
  const bytes: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      const group = Number.parseInt(part, 16);
      bytes.push(group >>> 8, group & 0xff);
    } else {
      const quad = new Uint8Array(4);
      if (!last || index < parts.length - 1 || !parseV4(part, quad)) return null;
      bytes.push(...quad);
    }
  }
  return bytes.length <= 16 ? bytes : null;
}
