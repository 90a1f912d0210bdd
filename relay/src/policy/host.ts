/**
 * Which host texts a stranger may use, before anybody is asked: a strict dotted quad, an IPv6 literal without zone, or a
 * name of LDH labels (RFC 1123, 2.1; RFC 5890, 2.3.1). What the C library and Node read besides (`127.1`, `0x7f000001`,
 * `017700000001`, `::1%lo`, nothing at all, a NUL) leads to loopback in more ways than anybody can list.
 */
import { domainToASCII } from 'node:url';
import { parseAddress } from '@luasocket-web/shared/address';

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** A top-level domain never begins with a digit, so no text that some resolver takes for a number gets through. */
const TOP = /^[a-z]/;
const MAX_NAME = 253;

/** Top-level domains that lead into the relay's own network, or nowhere: RFC 6761, 6762 (appendix G), 7686, 8375, 9476. */
const SPECIAL_USE: ReadonlySet<string> = new Set([
  'alt',
  'arpa',
  'cluster',
  'consul',
  'corp',
  'domain',
  'home',
  'internal',
  'intranet',
  'invalid',
  'lan',
  'local',
  'localdomain',
  'localhost',
  'onion',
  'private',
  'svc',
  'test',
  'workgroup',
]);

/** Null: an address or a name that may be looked up. Else what is wrong with it. */
export function hostDenial(host: unknown): string | null {
  if (typeof host !== 'string') return 'the host is no text';
  if (parseAddress(host) !== null) return null;
  return nameDenial(host);
}

/** The same for what must be a name. */
export function nameDenial(text: string): string | null {
  const name = normalName(text);
  if (name === '' || name.length > MAX_NAME) return 'neither an address nor a name';
  const labels = name.split('.');
  const top = labels.at(-1) ?? '';
  if (!labels.every(isLabel) || !TOP.test(top)) return 'neither an address nor a name';
  if (labels.length === 1) return 'a name of a single label';
  return SPECIAL_USE.has(top) ? `a name under .${top}` : null;
}

/** In lower case, without the dot that stands for the root. */
function normalName(name: string): string {
  const bare = name.endsWith('.') ? name.slice(0, -1) : name;
  // ASCII only: toLowerCase turns the Kelvin sign into a k.
  return bare.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Whether `pattern` (a name, or `*.` and a name for all below it) stands for `name`. */
export function matchesName(pattern: string, name: string): boolean {
  const wanted = normalName(pattern);
  const asked = normalName(name);
  return wanted.startsWith('*.') ? asked.endsWith(wanted.slice(1)) : asked === wanted;
}

function isLabel(label: string): boolean {
  if (!LABEL.test(label)) return false;
  // An A-label must decode (RFC 5891, 5.4); else what is shown to people and what is looked up may differ.
  return !label.startsWith('xn--') || domainToASCII(label) === label;
}
