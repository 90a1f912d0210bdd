/** Which socket options a stranger may set: those that change nothing but their own socket. Reading is always allowed. */
import type { OptionValue } from '@luasocket-web/shared/frames';
import { parse } from './address.ts';

/** Hops of a multicast datagram: it stays in the relay's own network. */
const MAX_MULTICAST_HOPS = 1;
/** Seconds that close may wait, in the relay's kernel, for what was sent. */
const MAX_LINGER_SECONDS = 5;
const MAX_HOPS = 255;

/** Null: harmless. Else why not. */
type Rule = (value: unknown, rights: OptionRights) => string | null;

export interface OptionRights {
  readonly broadcast: boolean;
  /** Whether a group may be joined. */
  readonly mayJoin: (group: string) => boolean;
}

const flag: Rule = (value) => (typeof value === 'boolean' ? null : 'not a boolean');

const hops =
  (most: number): Rule =>
  (value) =>
    Number.isInteger(value) && Number(value) >= 0 && Number(value) <= most ? null : `not a number up to ${most}`;

const membership: Rule = (value, { mayJoin }) => {
  const group = isMap(value) ? value.multiaddr : undefined;
  if (typeof group !== 'string' || parse(group)?.range() !== 'multicast') return 'no multicast group';
  return mayJoin(group) ? null : 'no claim for this group';
};

/** Leaving harms nobody. */
const leaving: Rule = (value) => membership(value, { broadcast: false, mayJoin: () => true });

const linger: Rule = (value) => {
  if (!isMap(value) || typeof value.on !== 'boolean') return 'not linger';
  const { timeout } = value;
  if (typeof timeout !== 'number' || !(timeout >= 0)) return 'not linger';
  return timeout <= MAX_LINGER_SECONDS ? null : `longer than ${MAX_LINGER_SECONDS} s`;
};

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['keepalive', flag],
  ['reuseaddr', flag],
  ['tcp-nodelay', flag],
  ['linger', linger],
  ['ip-multicast-loop', flag],
  ['ipv6-multicast-loop', flag],
  ['ip-multicast-ttl', hops(MAX_MULTICAST_HOPS)],
  ['ipv6-multicast-hops', hops(MAX_MULTICAST_HOPS)],
  ['ipv6-unicast-hops', hops(MAX_HOPS)],
  // Off would let an IPv6 socket have IPv4 peers, in a form that no grant is for.
  ['ipv6-v6only', (value) => (value === true ? null : 'IPv4 on an IPv6 socket')],
  ['broadcast', (value, { broadcast }) => (value === false || broadcast ? flag(value, NO_RIGHTS) : 'no claim')],
  ['ip-add-membership', membership],
  ['ipv6-add-membership', membership],
  ['ip-drop-membership', leaving],
  ['ipv6-drop-membership', leaving],
]);

const NO_RIGHTS: OptionRights = { broadcast: false, mayJoin: () => false };

/** Null: allowed. Options that are not listed choose interfaces or routes, share ports with others, or do not exist. */
export function optionDenial(option: unknown, value: unknown, rights: OptionRights): string | null {
  const rule = typeof option === 'string' ? RULES.get(option) : undefined;
  return rule === undefined ? 'not an option for strangers' : rule(value, rights);
}

/** The group of an option that joins one; null: it does not. */
export function joinedGroup(option: string, value: OptionValue): string | null {
  if (option !== 'ip-add-membership' && option !== 'ipv6-add-membership') return null;
  return isMap(value) && typeof value.multiaddr === 'string' ? value.multiaddr : null;
}

function isMap(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
