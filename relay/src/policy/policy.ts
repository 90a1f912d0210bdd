/**
 * Which operations are allowed: a pure function of claims, operation, resolved address and port. It resolves nothing,
 * and knows no session; claims are data, so development mode and a ticket's grants are judged by the same rules.
 */
import { type Endpoint, packEndpoint, parseAddress } from '@luasocket-web/shared/address';
import ipaddr from 'ipaddr.js';

/** What is asked. `at`: where to, where from, or (join) the group. */
export type Operation =
  | { readonly name: 'open'; readonly kind: 'tcp' | 'udp' }
  | { readonly name: 'bind' | 'connect'; readonly kind: 'tcp' | 'udp'; readonly at: Endpoint }
  | { readonly name: 'listen'; readonly at: Endpoint }
  | { readonly name: 'sendto'; readonly at: Endpoint }
  | { readonly name: 'join'; readonly group: string }
  | { readonly name: 'resolve' }
  | { readonly name: 'reverse'; readonly address: string };

/** Addresses and ports that a claim grants. */
export interface Grant {
  /** CIDR, e.g. `127.0.0.0/8`. */
  readonly net: string;
  /** First and last port, inclusive; absent: every port. */
  readonly ports?: readonly [number, number];
}

/** What a session may do. Nothing is granted that is not said. */
export interface Claims {
  readonly connect: { readonly tcp: readonly Grant[]; readonly udp: readonly Grant[] };
  readonly bind: { readonly tcp: readonly Grant[]; readonly udp: readonly Grant[] };
  /** Whether bound TCP sockets may listen. */
  readonly listen: boolean;
  /** Multicast groups that may be joined. */
  readonly groups: readonly Grant[];
  /** Whether names may be resolved. */
  readonly names: boolean;
  /** Addresses whose names may be asked for. */
  readonly reverse: readonly Grant[];
}

export const NO_CLAIMS: Claims = {
  connect: { tcp: [], udp: [] },
  bind: { tcp: [], udp: [] },
  listen: false,
  groups: [],
  names: false,
  reverse: [],
};

/** The relay's own ports, which no claim opens. */
export interface Surroundings {
  /** TCP ports the relay itself listens on. */
  readonly ownPorts: readonly number[];
}

/** Null: allowed. Else why not, for the log. */
export type Denial = string | null;

export function judge(claims: Claims, operation: Operation, around: Surroundings): Denial {
  switch (operation.name) {
    case 'open':
      return granted(claims, operation.kind) ? null : `no claim for ${operation.kind}`;
    case 'connect':
      if (operation.kind === 'tcp' && around.ownPorts.includes(operation.at.port)) return 'the relay’s own port';
      return within(claims.connect[operation.kind], operation.at.address, operation.at.port);
    case 'sendto':
      return within(claims.connect.udp, operation.at.address, operation.at.port);
    case 'bind':
      return within(claims.bind[operation.kind], operation.at.address, operation.at.port);
    case 'listen':
      if (!claims.listen) return 'no claim to listen';
      return within(claims.bind.tcp, operation.at.address, operation.at.port);
    case 'join':
      return within(claims.groups, operation.group, 0);
    case 'resolve':
      return claims.names ? null : 'no claim for look-ups';
    case 'reverse':
      return within(claims.reverse, operation.address, 0);
  }
}

function granted(claims: Claims, kind: 'tcp' | 'udp'): boolean {
  return claims.connect[kind].length > 0 || claims.bind[kind].length > 0;
}

function within(grants: readonly Grant[], address: string, port: number): Denial {
  const literal = parseAddress(address);
  if (literal === null) return 'not an address';
  // By its bytes: ipaddr.js reads the text `::127.0.0.1` as the mapped address, which is another one.
  const parsed = ipaddr.fromByteArray([
    ...packEndpoint({ ...literal, port: 0 }).subarray(0, literal.family === 4 ? 4 : 16),
  ]);
  for (const { net, ports } of grants) {
    if (ports !== undefined && (port < ports[0] || port > ports[1])) continue;
    const [base, bits] = ipaddr.parseCIDR(net);
    // ipaddr.js compares within one family only; a mapped address is never unwrapped, it needs a claim of its own.
    if (parsed.kind() === base.kind() && parsed.match(base, bits)) return null;
  }
  return 'no claim for this address and port';
}
