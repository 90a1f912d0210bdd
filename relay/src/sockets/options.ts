/**
 * LuaSocket's socket options (options.c, tcp.c and udp.c of 3.0-rc1) on a descriptor: name and value to setsockopt(2)
 * and getsockopt(2). The client has checked names and types as LuaSocket does; whatever else arrives here is answered
 * as a refusal of the system.
 */
import { packEndpoint, parseAddress } from '@luasocket-web/shared/address';
import type { OptionValue, Scalar } from '@luasocket-web/shared/frames';
import type { SocketConstants } from '../os/constants.ts';
import type { System } from '../os/system.ts';
import { optionFailure } from './failure.ts';

type Kind = 'tcp' | 'udp';

/** One option: how its value is written and read; a missing half does not exist in LuaSocket. */
interface Option {
  /** Answers a negative errno for a refusal, null for a value it cannot mean. */
  readonly set?: (system: System, fd: number, value: OptionValue) => number | null;
  readonly get?: (system: System, fd: number) => OptionValue | undefined;
}

type Named = (c: SocketConstants) => readonly [level: number, option: number];

const PENDING: Named = (c) => [c.SOL_SOCKET, c.SO_ERROR];

/** setsockopt by LuaSocket's name. Throws SETSOCKOPT. */
export function setOption(system: System, fd: number, kind: Kind, name: string, value: OptionValue): void {
  const result = OPTIONS[kind].get(name)?.set?.(system, fd, value);
  if (result === undefined || result === null || result < 0) throw optionFailure('SETSOCKOPT');
}

/** getsockopt by LuaSocket's name. Throws GETSOCKOPT. */
export function getOption(system: System, fd: number, kind: Kind, name: string): OptionValue {
  const value = OPTIONS[kind].get(name)?.get?.(system, fd);
  if (value === undefined) throw optionFailure('GETSOCKOPT');
  return value;
}

/** SO_LINGER as the descriptor has it: its seconds, or null while it is off. */
export function readLinger(system: System, fd: number): number | null {
  const linger = getLinger(system, fd);
  return linger?.on === true ? linger.timeout : null;
}

/** SO_ERROR: the pending errno, which is none afterwards; 0 when there is none. */
export function takeError(system: System, fd: number): number {
  return getInt(system, fd, PENDING) ?? 0;
}

export function writeLinger(system: System, fd: number, on: boolean, seconds: number): number {
  const { SOL_SOCKET, SO_LINGER } = system.constants;
  return system.setBytes(fd, SOL_SOCKET, SO_LINGER, bytesOf(new Int32Array([on ? 1 : 0, seconds])));
}

const boolean = (named: Named, access: 'set' | 'get' | 'both' = 'both'): Option => ({
  ...(access !== 'get' && {
    set: (system, fd, value) =>
      typeof value === 'boolean' ? system.setInt(fd, ...named(system.constants), value ? 1 : 0) : null,
  }),
  ...(access !== 'set' && {
    get: (system, fd) => {
      const value = getInt(system, fd, named);
      return value === undefined ? undefined : value !== 0;
    },
  }),
});

const integer = (named: Named, access: 'set' | 'both' = 'both'): Option => ({
  set: (system, fd, value) =>
    typeof value === 'number' ? system.setInt(fd, ...named(system.constants), Math.trunc(value)) : null,
  ...(access === 'both' && { get: (system, fd) => getInt(system, fd, named) }),
});

const linger: Option = {
  set(system, fd, value) {
    const { on, timeout } = fields(value);
    if (typeof on !== 'boolean' || typeof timeout !== 'number') return null;
    // options.c casts to u_short.
    return writeLinger(system, fd, on, Math.trunc(timeout) & 0xffff);
  },
  get: getLinger,
};

const pendingError: Option = {
  get(system, fd) {
    const errno = getInt(system, fd, PENDING);
    if (errno === undefined) return undefined;
    return errno === 0 ? null : system.outcome(errno).code;
  },
};

const multicastInterface: Option = {
  set(system, fd, value) {
    const address = typeof value === 'string' ? interfaceAddress(system, value) : null;
    return address && system.setBytes(fd, system.constants.IPPROTO_IP, system.constants.IP_MULTICAST_IF, address);
  },
  get(system, fd) {
    const address = new Uint8Array(4);
    const { IPPROTO_IP, IP_MULTICAST_IF } = system.constants;
    return system.getBytes(fd, IPPROTO_IP, IP_MULTICAST_IF, address) < 0 ? undefined : address.join('.');
  },
};

/** struct ip_mreq: the group, then the address of the interface. */
const membership4 = (named: Named): Option => ({
  set(system, fd, value) {
    const { multiaddr, interface: local } = fields(value);
    if (typeof multiaddr !== 'string' || typeof local !== 'string') return null;
    const group = system.ipv4(multiaddr);
    const address = interfaceAddress(system, local);
    if (group === null || address === null) return null;
    return system.setBytes(fd, ...named(system.constants), Uint8Array.of(...group, ...address));
  },
});

/** struct ipv6_mreq: the group, then the index of the interface (nil: the system's choice). */
const membership6 = (named: Named): Option => ({
  set(system, fd, value) {
    const { multiaddr, interface: index = null } = fields(value);
    const group = typeof multiaddr === 'string' ? parseAddress(multiaddr) : null;
    if (group?.family !== 6 || (index !== null && typeof index !== 'number')) return null;
    const address = packEndpoint({ ...group, port: 0 }).subarray(0, 16);
    const scope = bytesOf(new Uint32Array([index ?? 0]));
    return system.setBytes(fd, ...named(system.constants), Uint8Array.of(...address, ...scope));
  },
});

const COMMON = {
  reuseaddr: (c: SocketConstants) => [c.SOL_SOCKET, c.SO_REUSEADDR] as const,
  v6only: (c: SocketConstants) => [c.IPPROTO_IPV6, c.IPV6_V6ONLY] as const,
  hops: (c: SocketConstants) => [c.IPPROTO_IPV6, c.IPV6_UNICAST_HOPS] as const,
};

const OPTIONS: { readonly [kind in Kind]: ReadonlyMap<string, Option> } = {
  tcp: new Map([
    ['keepalive', boolean((c) => [c.SOL_SOCKET, c.SO_KEEPALIVE])],
    ['reuseaddr', boolean(COMMON.reuseaddr)],
    ['tcp-nodelay', boolean((c) => [c.IPPROTO_TCP, c.TCP_NODELAY])],
    ['ipv6-v6only', boolean(COMMON.v6only, 'set')],
    ['linger', linger],
    ['error', pendingError],
  ]),
  udp: new Map([
    ['dontroute', boolean((c) => [c.SOL_SOCKET, c.SO_DONTROUTE], 'set')],
    ['broadcast', boolean((c) => [c.SOL_SOCKET, c.SO_BROADCAST], 'set')],
    ['reuseaddr', boolean(COMMON.reuseaddr, 'set')],
    ['reuseport', boolean((c) => [c.SOL_SOCKET, c.SO_REUSEPORT], 'set')],
    ['ip-multicast-loop', boolean((c) => [c.IPPROTO_IP, c.IP_MULTICAST_LOOP])],
    ['ipv6-multicast-loop', boolean((c) => [c.IPPROTO_IPV6, c.IPV6_MULTICAST_LOOP])],
    ['ipv6-v6only', boolean(COMMON.v6only)],
    ['ip-multicast-if', multicastInterface],
    ['ip-multicast-ttl', integer((c) => [c.IPPROTO_IP, c.IP_MULTICAST_TTL], 'set')],
    ['ipv6-unicast-hops', integer(COMMON.hops)],
    // Not a slip of ours: options.c uses IPV6_UNICAST_HOPS for both.
    ['ipv6-multicast-hops', integer(COMMON.hops)],
    ['ip-add-membership', membership4((c) => [c.IPPROTO_IP, c.IP_ADD_MEMBERSHIP])],
    ['ip-drop-membership', membership4((c) => [c.IPPROTO_IP, c.IP_DROP_MEMBERSHIP])],
    ['ipv6-add-membership', membership6((c) => [c.IPPROTO_IPV6, c.IPV6_JOIN_GROUP])],
    ['ipv6-drop-membership', membership6((c) => [c.IPPROTO_IPV6, c.IPV6_LEAVE_GROUP])],
    ['error', pendingError],
  ]),
};

function getInt(system: System, fd: number, named: Named): number | undefined {
  const out = new Int32Array(1);
  return system.getInt(fd, ...named(system.constants), out) < 0 ? undefined : out[0];
}

function getLinger(system: System, fd: number): { on: boolean; timeout: number } | undefined {
  const { SOL_SOCKET, SO_LINGER } = system.constants;
  const linger = new Int32Array(2);
  if (system.getBytes(fd, SOL_SOCKET, SO_LINGER, bytesOf(linger)) < 0) return undefined;
  return { on: linger[0] !== 0, timeout: linger[1] ?? 0 };
}

function interfaceAddress(system: System, text: string): Uint8Array | null {
  return text === '*' ? new Uint8Array(4) : system.ipv4(text);
}

function fields(value: OptionValue): { readonly [key: string]: Scalar } {
  return value !== null && typeof value === 'object' && !(value instanceof Uint8Array) ? value : {};
}

function bytesOf(words: Int32Array | Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer);
}
