/**
 * What a host text is, before anybody is asked: digits that only inet_aton(3) or inet_pton(3) read, a name of this
 * machine, or a name for the name servers. Pure.
 */

export type HostText = 'numeric' | 'own' | 'name' | 'invalid';

/** One to four numbers, decimal, octal or hexadecimal: what inet_aton reads as an address, and no host name. */
const ATON = /^(0x[0-9a-f]*|\d+)(\.(0x[0-9a-f]*|\d+)){0,3}$/i;
/** RFC 1035's limits; the underscore is common in names that are asked for. */
const LABEL = /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;
const MAX_NAME = 253;

/** @param own names, in lower case, that the machine itself knows (`localhost`). */
export function classifyHost(host: string, own: ReadonlySet<string>): HostText {
  if (ATON.test(host) || /^[0-9a-f:.]*:[0-9a-f:.]*(%[\w.-]+)?$/i.test(host)) return 'numeric';
  const name = host.endsWith('.') ? host.slice(0, -1) : host;
  if (own.has(name.toLowerCase())) return 'own';
  return name.length <= MAX_NAME && name.split('.').every((label) => LABEL.test(label)) ? 'name' : 'invalid';
}

/** 127.0.0.0/8, ::1, and the first mapped into IPv6; `address` as inet_ntop prints it. */
export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(address);
}
