/**
 * The claims of development mode: this machine, and what LuaSocket can reach from it without a network's help.
 * Multicast and broadcast are granted because games find each other with them.
 */
import type { Claims, Grant } from './claims.ts';

const LOOPBACK: readonly Grant[] = [{ net: '127.0.0.0/8' }, { net: '::1/128' }, { net: '::ffff:127.0.0.0/104' }];
/** As a local address: every interface. As a remote one, Linux takes it for this host. */
const WILDCARD: readonly Grant[] = [{ net: '0.0.0.0/32' }, { net: '::/128' }, { net: '::ffff:0.0.0.0/128' }];
const MULTICAST: readonly Grant[] = [{ net: '224.0.0.0/4' }, { net: 'ff00::/8' }];
const BROADCAST: readonly Grant[] = [{ net: '255.255.255.255/32' }];
const ANYWHERE: readonly Grant[] = [{ net: '0.0.0.0/0' }, { net: '::/0' }];

export const DEVELOPMENT: Claims = {
  guarded: false,
  connect: { tcp: [...LOOPBACK, ...WILDCARD], udp: [...LOOPBACK, ...WILDCARD, ...MULTICAST, ...BROADCAST] },
  bind: { tcp: [...LOOPBACK, ...WILDCARD], udp: [...LOOPBACK, ...WILDCARD, ...MULTICAST, ...BROADCAST] },
  listen: true,
  strangers: true,
  groups: ANYWHERE,
  broadcast: true,
  names: true,
  reverse: ANYWHERE,
  interfaces: true,
  reasons: true,
  elsewhere: 'development mode reaches this machine only',
};
