/** What a session may do, as data: development mode, public mode and tickets differ in nothing else. */

/** Addresses and ports that a claim grants. */
export interface Grant {
  /** CIDR, e.g. `127.0.0.0/8`; or a name, for the addresses that the session's own look-up of it gave. */
  readonly net: string;
  /** First and last port, inclusive; absent: every port; `services`: those that are no trap (ports.ts). */
  readonly ports?: readonly [number, number] | 'services';
  /** Reaches public addresses only, whatever else `net` contains. Names always do. */
  readonly publicOnly?: boolean;
}

/** What a session may do. Nothing is granted that is not said. */
export interface Claims {
  /**
   * Whether nobody knows who this is: hosts in strict syntax, all answers of a name public, options that stay with the
   * socket, no word about the relay's interfaces, and the limits against scanning.
   */
  readonly guarded: boolean;
  readonly connect: { readonly tcp: readonly Grant[]; readonly udp: readonly Grant[] };
  readonly bind: { readonly tcp: readonly Grant[]; readonly udp: readonly Grant[] };
  /** Whether bound TCP sockets may listen. */
  readonly listen: boolean;
  /** Whether datagrams are heard from peers that the socket has sent nothing to. */
  readonly strangers: boolean;
  /** Multicast groups that may be joined. */
  readonly groups: readonly Grant[];
  /** Whether SO_BROADCAST may be set. */
  readonly broadcast: boolean;
  /** Names that may be resolved: all, none, or these; `*.game.example` stands for all below it. */
  readonly names: boolean | readonly string[];
  /** Addresses whose names may be asked for. */
  readonly reverse: readonly Grant[];
  /** Whether getsockname tells the relay's own addresses. */
  readonly interfaces: boolean;
  /** Whether the client is told why something is denied. */
  readonly reasons: boolean;
  /** Why nothing else is granted, where one reason says it better than an address' own. */
  readonly elsewhere?: string;
}

export const NO_CLAIMS: Claims = {
  guarded: true,
  connect: { tcp: [], udp: [] },
  bind: { tcp: [], udp: [] },
  listen: false,
  strangers: false,
  groups: [],
  broadcast: false,
  names: false,
  reverse: [],
  interfaces: false,
  reasons: false,
};
