/**
 * How a ticket writes where a session may go: `HOST`, `HOST:PORTS`. HOST is an address, a CIDR, a name, `*.name` or `*`
 * (everything public); IPv6 stands in brackets when ports follow. PORTS is `443`, `7000-7999`, `80,443`, or `*`.
 */
import ipaddr from 'ipaddr.js';
import { isSpecialNet, parse } from './address.ts';
import type { Grant } from './claims.ts';
import { nameDenial } from './host.ts';
import { isPort } from './ports.ts';
import { EVERYWHERE } from './public.ts';

type Ports = Grant['ports'];

/**
 * The grants that a text stands for.
 * @param ports what holds when the text says nothing of ports.
 * @throws Error that quotes the text.
 */
export function parseGrant(text: string, ports: readonly Ports[]): readonly Grant[] {
  const [, bracketed, bits, plain, given] =
    /^(?:\[([0-9a-f:.]+)\](\/\d{1,3})?|([^\s:[\]]+))(?::([\d,*-]+))?$/i.exec(text) ?? [];
  // IPv6 without ports needs no brackets.
  const host = bracketed === undefined ? (plain ?? text) : `${bracketed}${bits ?? ''}`;
  const places = host === '*' ? EVERYWHERE : [place(host, text)];
  const ranges = given === undefined ? ports : given.split(',').map((part) => range(part, text));
  return places.flatMap((one) => ranges.map((each) => (each === undefined ? one : { ...one, ports: each })));
}

/** A group of addresses without ports, for multicast. @throws Error that quotes the text. */
export function parseNet(text: string): Grant {
  const grant = place(text, text);
  if (!grant.net.includes('/')) throw new Error(`${text}: expected an address or CIDR`);
  return grant;
}

function place(host: string, text: string): Grant {
  const net = toCidr(host);
  if (net !== null) return isSpecialNet(net) ? { net } : { net, publicOnly: true };
  return { net: parseName(host, text) };
}

/** A name, or `*.name`. @param text where it stands. @throws Error that quotes the text. */
export function parseName(name: string, text = name): string {
  const denial = nameDenial(name.startsWith('*.') ? name.slice(2) : name);
  if (denial !== null) throw new Error(`${text}: ${denial}`);
  return name;
}

/** An address or CIDR as CIDR; null: neither. */
function toCidr(host: string): string | null {
  const [base = '', bits, more] = host.split('/');
  const address = parse(base);
  if (address === null || more !== undefined) return null;
  const most = address instanceof ipaddr.IPv4 ? 32 : 128;
  if (bits === undefined) return `${address.toNormalizedString()}/${most}`;
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > most) return null;
  return `${address.toNormalizedString()}/${Number(bits)}`;
}

function range(part: string, text: string): Ports {
  if (part === '*') return undefined;
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? [];
  const low = Number(first);
  const high = Number(last);
  if (first === undefined || !isPort(low) || !isPort(high) || low > high) throw new Error(`${text}: no ports`);
  return [low, high];
}
