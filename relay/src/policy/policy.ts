/**
 * Which operations are allowed: a pure function of claims, operation, resolved address and port. It resolves nothing,
 * and knows no session; claims are data, so development mode, public mode and a ticket's grants are judged by the same
 * rules.
 *
 * For strangers (`claims.guarded`):
 * 1. a host is in strict syntax, and no name of this machine or its network (host.ts), before anybody is asked;
 * 2. every answer of a name is public, or an address that a claim grants by its number;
 * 3. a destination is granted by a claim; claims that are not for special addresses alone reach public ones (address.ts)
 *    and ports that are no trap (ports.ts);
 * 4. whatever the claims: not this machine's own ports, its public addresses, the name servers and other services;
 * 5. options stay with the socket (options.ts).
 */
import type { Endpoint } from '@luasocket-web/shared/address';
import ipaddr from 'ipaddr.js';
import { isLoopback, isWithin, type Parsed, parse, publicDenial } from './address.ts';
import type { Claims, Grant } from './claims.ts';
import { hostDenial, matchesName } from './host.ts';
import { optionDenial } from './options.ts';
import { isPort, portDenial } from './ports.ts';

/** What is asked. `at`: where to, where from, or (join) the group. */
export type Operation =
  | { readonly name: 'open'; readonly kind: 'tcp' | 'udp' }
  | { readonly name: 'bind'; readonly kind: 'tcp' | 'udp'; readonly at: Endpoint }
  /** `via`: names of which the session's own look-ups gave this address. */
  | { readonly name: 'connect'; readonly kind: 'tcp' | 'udp'; readonly at: Endpoint; readonly via?: readonly string[] }
  | { readonly name: 'sendto'; readonly at: Endpoint; readonly via?: readonly string[] }
  | { readonly name: 'listen'; readonly at: Endpoint }
  /** A connection that has arrived at a listening socket. */
  | { readonly name: 'accept'; readonly at: Endpoint }
  | { readonly name: 'join'; readonly group: string }
  | { readonly name: 'option'; readonly option: unknown; readonly value: unknown }
  /** A look-up, before it. Null: no host, which asks nobody. */
  | { readonly name: 'resolve'; readonly host: unknown }
  /** One answer of a look-up. */
  | { readonly name: 'answer'; readonly address: string }
  | { readonly name: 'reverse'; readonly address: string };

/** What a verdict must know of this machine. */
export interface Surroundings {
  /** TCP ports the relay itself listens on. */
  readonly ownPorts: readonly number[];
  /** Addresses of this machine's interfaces. */
  readonly ownAddresses: readonly string[];
  /** Name servers, Redis and the like: what the relay itself talks to. */
  readonly services: readonly { readonly address: string; readonly port: number }[];
}

/** Null: allowed. Else why not, for the log. */
export type Denial = string | null;

export function judge(claims: Claims, operation: Operation, around: Surroundings): Denial {
  switch (operation.name) {
    case 'open':
      return granted(claims, operation.kind) ? null : `no claim for ${operation.kind}`;
    case 'connect':
      return destination(claims, operation.kind, operation.at, operation.via ?? [], around);
    case 'sendto':
      return destination(claims, 'udp', operation.at, operation.via ?? [], around);
    case 'bind':
      return within(claims, claims.bind[operation.kind], operation.at, operation.kind);
    case 'listen':
      if (!claims.listen) return 'no claim to listen';
      return within(claims, claims.bind.tcp, operation.at, 'tcp');
    case 'accept':
      return arrival(claims, operation.at);
    case 'join':
      return within(claims, claims.groups, { address: operation.group, port: null }, 'udp');
    case 'option':
      return claims.guarded ? option(claims, operation.option, operation.value) : null;
    case 'resolve':
      return question(claims, operation.host);
    case 'answer':
      return claims.guarded ? answer(claims, operation.address) : null;
    case 'reverse':
      return within(claims, claims.reverse, { address: operation.address, port: null }, 'tcp');
  }
}

/** Where something is; port null: any. */
interface Place {
  readonly address: string;
  readonly port: number | null;
}

function granted(claims: Claims, kind: 'tcp' | 'udp'): boolean {
  return claims.connect[kind].length > 0 || claims.bind[kind].length > 0;
}

function destination(
  claims: Claims,
  kind: 'tcp' | 'udp',
  at: Endpoint,
  via: readonly string[],
  around: Surroundings,
): Denial {
  const address = parse(at.address);
  if (address === null || !isPort(at.port)) return 'not an address and a port';
  const mine = isMine(address, around);
  if (kind === 'tcp' && mine && around.ownPorts.includes(at.port)) return 'the relay’s own port';
  if (claims.guarded) {
    if (at.port === 0) return 'port 0';
    if (at.scope !== undefined && at.scope !== 0) return 'an address of one interface';
    // Loopback has been claimed by its number, or it will not be granted below.
    if (mine && !isLoopback(address)) return 'an address of the relay itself';
    if (around.services.some((service) => isService(address, at.port, service))) return 'a service of the relay';
  }
  return within(claims, claims.connect[kind], at, kind, via);
}

function question(claims: Claims, host: unknown): Denial {
  if (claims.names === false) return 'no claim for look-ups';
  if (!claims.guarded || host === null) return null;
  const denial = hostDenial(host);
  if (denial !== null || claims.names === true) return denial;
  const name = String(host);
  if (parse(name) !== null || claims.names.some((pattern) => matchesName(pattern, name))) return null;
  return 'no claim for this name';
}

/** An address that is not public is let through only where a claim grants it by its number. */
function answer(claims: Claims, text: string): Denial {
  const address = parse(text);
  if (address === null) return 'not an address';
  const denial = publicDenial(address);
  if (denial === null) return null;
  const grants = [...claims.connect.tcp, ...claims.connect.udp];
  return grants.some((grant) => reaches(grant, address, [])) ? null : denial;
}

/** Who connects from this machine itself gets by whatever keeps others out; so it takes a claim for its address. */
function arrival(claims: Claims, at: Endpoint): Denial {
  const address = parse(at.address);
  if (!claims.guarded || (address !== null && !isLoopback(address))) return null;
  const known = address !== null && claims.connect.tcp.some((grant) => reaches(grant, address, []));
  return known ? null : 'from loopback';
}

function option(claims: Claims, name: unknown, value: unknown): Denial {
  const mayJoin = (group: string) => within(claims, claims.groups, { address: group, port: null }, 'udp') === null;
  return optionDenial(name, value, { broadcast: claims.broadcast, mayJoin });
}

function within(
  { elsewhere }: Claims,
  grants: readonly Grant[],
  at: Place,
  kind: 'tcp' | 'udp',
  via: readonly string[] = [],
): Denial {
  const address = parse(at.address);
  if (address === null) return 'not an address';
  let denial: Denial = null;
  for (const grant of grants) {
    if (!reaches(grant, address, via)) continue;
    const trap = at.port === null ? null : outside(grant, kind, at.port);
    if (trap === null) return null;
    denial = trap;
  }
  return denial ?? elsewhere ?? publicDenial(address) ?? 'no claim for this address';
}

function reaches({ net, publicOnly }: Grant, address: Parsed, via: readonly string[]): boolean {
  if (!net.includes('/')) return publicDenial(address) === null && via.some((name) => matchesName(net, name));
  return isWithin(address, ipaddr.parseCIDR(net)) && (publicOnly !== true || publicDenial(address) === null);
}

function outside({ ports }: Grant, kind: 'tcp' | 'udp', port: number): Denial {
  if (ports === undefined) return null;
  if (ports === 'services') return portDenial(kind, port);
  return port >= ports[0] && port <= ports[1] ? null : 'no claim for this port';
}

/** Whether the address is this machine, in any form of it that Linux connects to. */
function isMine(address: Parsed, { ownAddresses }: Surroundings): boolean {
  const plain = address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
  if (plain.range() === 'loopback' || plain.range() === 'unspecified') return true;
  return ownAddresses.some((own) => isSame(plain, own));
}

/** On loopback other servers may stand beside it; elsewhere its whole machine is the relay's own business. */
function isService(address: Parsed, port: number, service: Surroundings['services'][number]): boolean {
  return isSame(address, service.address) && (port === service.port || !isLoopback(address));
}

function isSame(address: Parsed, text: string): boolean {
  const other = parse(text);
  return other !== null && other.toNormalizedString() === address.toNormalizedString();
}
