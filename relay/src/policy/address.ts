/**
 * Which addresses are public: those that a stranger may be let to reach. Judged by their bytes, never by text, since one
 * address has many texts. Forms that carry an IPv4 address in an IPv6 one are refused, never unwrapped.
 */
import { packEndpoint, parseAddress } from '@luasocket-web/shared/address';
import ipaddr from 'ipaddr.js';

export type Parsed = ipaddr.IPv4 | ipaddr.IPv6;

/**
 * What is not public, and why. ipaddr.js knows most of it; it is all here because one table that can be read beats two
 * that must agree, and ipaddr.js is asked as well (`publicDenial`). IANA's special-purpose registries (RFC 6890), and
 * what clouds keep for themselves.
 */
const SPECIAL: readonly (readonly [net: string, what: string])[] = [
  ['0.0.0.0/8', 'this host'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'carrier-grade NAT'],
  ['127.0.0.0/8', 'loopback'],
  // Azure's WireServer: public by its number, and reached from every machine there.
  ['168.63.129.16/32', 'cloud metadata'],
  ['169.254.0.0/16', 'link-local, cloud metadata'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'IETF protocol assignments'],
  ['192.0.2.0/24', 'documentation'],
  ['192.31.196.0/24', 'AS112'],
  ['192.52.193.0/24', 'AMT'],
  ['192.88.99.0/24', '6to4 relay'],
  ['192.168.0.0/16', 'private'],
  ['192.175.48.0/24', 'AS112'],
  ['198.18.0.0/15', 'benchmarks'],
  ['198.51.100.0/24', 'documentation'],
  ['203.0.113.0/24', 'documentation'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved'],
  ['::/128', 'this host'],
  ['::1/128', 'loopback'],
  ['::ffff:0:0/96', 'an IPv4 address, mapped'],
  ['::/96', 'an IPv4 address, compatible'],
  ['64:ff9b::/96', 'an IPv4 address, NAT64'],
  ['64:ff9b:1::/48', 'an IPv4 address, NAT64'],
  ['100::/64', 'discard'],
  ['100:0:0:1::/64', 'dummy'],
  // Teredo, benchmarks, ORCHID, DETs, AMT, anycast services.
  ['2001::/23', 'IETF protocol assignments'],
  ['2001:db8::/32', 'documentation'],
  ['2002::/16', 'an IPv4 address, 6to4'],
  ['2620:4f:8000::/48', 'AS112'],
  ['3ffe::/16', '6bone, withdrawn'],
  ['3fff::/20', 'documentation'],
  ['5f00::/16', 'segment routing'],
  ['fc00::/7', 'unique local'],
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'site-local'],
  ['ff00::/8', 'multicast'],
];

const GLOBAL_V6 = ipaddr.parseCIDR('2000::/3');
const ISATAP = [0x5e, 0xfe];

const TABLE = SPECIAL.map(([net, what]) => ({ range: ipaddr.parseCIDR(net), what }));

/** The address of a text in inet_pton's syntax; null when it is none. */
export function parse(text: string): Parsed | null {
  const literal = parseAddress(text);
  if (literal === null) return null;
  // By its bytes: ipaddr.js reads the text `::127.0.0.1` as the mapped address, which is another one.
  const bytes = packEndpoint({ ...literal, port: 0 }).subarray(0, literal.family === 4 ? 4 : 16);
  return ipaddr.fromByteArray([...bytes]);
}

/** Null: public. Else what it is instead. */
export function publicDenial(address: Parsed): string | null {
  for (const { range, what } of TABLE) if (isWithin(address, range)) return what;
  if (address instanceof ipaddr.IPv6) {
    if (!address.match(GLOBAL_V6)) return 'not in 2000::/3';
    if (embedsIsatap(address)) return 'an IPv4 address, ISATAP';
  }
  return address.range() === 'unicast' ? null : address.range();
}

export function isLoopback(address: Parsed): boolean {
  return address.range() === 'loopback';
}

/** Within one family only: a mapped address is never unwrapped, it needs a claim of its own. */
export function isWithin(address: Parsed, [base, bits]: [Parsed, number]): boolean {
  return address.kind() === base.kind() && address.match(base, bits);
}

/**
 * Whether a network lies within one kind of addresses that are not public. Only then does a claim for it reach them:
 * `0.0.0.0/0` in a ticket does not mean the relay's loopback.
 */
export function isSpecialNet(net: string): boolean {
  const [base, bits] = ipaddr.parseCIDR(net);
  return TABLE.some(({ range }) => bits >= range[1] && isWithin(base, range));
}

/** RFC 5214, section 6.1: the interface part 0000:5efe or 0200:5efe, then an IPv4 address. */
function embedsIsatap(address: ipaddr.IPv6): boolean {
  const bytes = address.toByteArray();
  return (bytes[8] === 0 || bytes[8] === 2) && bytes[9] === 0 && bytes[10] === ISATAP[0] && bytes[11] === ISATAP[1];
}
