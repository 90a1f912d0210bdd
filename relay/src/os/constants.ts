/**
 * The numbers that <sys/socket.h>, <netinet/in.h> and <netinet/tcp.h> give to names, per platform. libc has no way to
 * ask for them. Knows no call and no option of LuaSocket.
 */

export interface SocketConstants {
  readonly AF_INET: number;
  readonly AF_INET6: number;
  readonly SOCK_STREAM: number;
  readonly SOCK_DGRAM: number;
  /** Flags of socket(2) for a non-blocking, close-on-exec descriptor; null where fcntl(2) has to do it. */
  readonly SOCK_FLAGS: number | null;
  /** fcntl(2): a copy of a descriptor, closed on exec. */
  readonly F_DUPFD_CLOEXEC: number;
  /** A sockaddr begins with its length (BSD). */
  readonly sockaddrHasLength: boolean;
  readonly MSG_PEEK: number;
  readonly MSG_DONTWAIT: number;
  readonly SOL_SOCKET: number;
  readonly SO_REUSEADDR: number;
  readonly SO_REUSEPORT: number;
  readonly SO_KEEPALIVE: number;
  readonly SO_DONTROUTE: number;
  readonly SO_BROADCAST: number;
  /** With a timeout in seconds (macOS counts SO_LINGER in ticks and has SO_LINGER_SEC for this). */
  readonly SO_LINGER: number;
  readonly SO_ERROR: number;
  /** Attach and detach a classic BPF program; null where there is none for sockets. */
  readonly SO_ATTACH_FILTER: number | null;
  readonly SO_DETACH_FILTER: number | null;
  readonly IPPROTO_TCP: number;
  readonly TCP_NODELAY: number;
  readonly IPPROTO_IP: number;
  readonly IP_MULTICAST_IF: number;
  readonly IP_MULTICAST_TTL: number;
  readonly IP_MULTICAST_LOOP: number;
  readonly IP_ADD_MEMBERSHIP: number;
  readonly IP_DROP_MEMBERSHIP: number;
  readonly IPPROTO_IPV6: number;
  readonly IPV6_UNICAST_HOPS: number;
  readonly IPV6_MULTICAST_LOOP: number;
  readonly IPV6_JOIN_GROUP: number;
  readonly IPV6_LEAVE_GROUP: number;
  readonly IPV6_V6ONLY: number;
}

/** asm-generic/socket.h and linux/in.h, in6.h: every architecture that Node runs on, except MIPS and SPARC. */
const LINUX: SocketConstants = {
  AF_INET: 2,
  AF_INET6: 10,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_FLAGS: 0o4000 | 0o2000000,
  F_DUPFD_CLOEXEC: 1030,
  sockaddrHasLength: false,
  MSG_PEEK: 0x2,
  MSG_DONTWAIT: 0x40,
  SOL_SOCKET: 1,
  SO_REUSEADDR: 2,
  SO_REUSEPORT: 15,
  SO_KEEPALIVE: 9,
  SO_DONTROUTE: 5,
  SO_BROADCAST: 6,
  SO_LINGER: 13,
  SO_ERROR: 4,
  SO_ATTACH_FILTER: 26,
  SO_DETACH_FILTER: 27,
  IPPROTO_TCP: 6,
  TCP_NODELAY: 1,
  IPPROTO_IP: 0,
  IP_MULTICAST_IF: 32,
  IP_MULTICAST_TTL: 33,
  IP_MULTICAST_LOOP: 34,
  IP_ADD_MEMBERSHIP: 35,
  IP_DROP_MEMBERSHIP: 36,
  IPPROTO_IPV6: 41,
  IPV6_UNICAST_HOPS: 16,
  IPV6_MULTICAST_LOOP: 19,
  IPV6_JOIN_GROUP: 20,
  IPV6_LEAVE_GROUP: 21,
  IPV6_V6ONLY: 26,
};

/** XNU's bsd/sys/socket.h, bsd/netinet/in.h and bsd/netinet6/in6.h. */
const DARWIN: SocketConstants = {
  AF_INET: 2,
  AF_INET6: 30,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_FLAGS: null,
  F_DUPFD_CLOEXEC: 67,
  sockaddrHasLength: true,
  MSG_PEEK: 0x2,
  MSG_DONTWAIT: 0x80,
  SOL_SOCKET: 0xffff,
  SO_REUSEADDR: 0x4,
  SO_REUSEPORT: 0x200,
  SO_KEEPALIVE: 0x8,
  SO_DONTROUTE: 0x10,
  SO_BROADCAST: 0x20,
  SO_LINGER: 0x1080,
  SO_ERROR: 0x1007,
  SO_ATTACH_FILTER: null,
  SO_DETACH_FILTER: null,
  IPPROTO_TCP: 6,
  TCP_NODELAY: 1,
  IPPROTO_IP: 0,
  IP_MULTICAST_IF: 9,
  IP_MULTICAST_TTL: 10,
  IP_MULTICAST_LOOP: 11,
  IP_ADD_MEMBERSHIP: 12,
  IP_DROP_MEMBERSHIP: 13,
  IPPROTO_IPV6: 41,
  IPV6_UNICAST_HOPS: 4,
  IPV6_MULTICAST_LOOP: 11,
  IPV6_JOIN_GROUP: 12,
  IPV6_LEAVE_GROUP: 13,
  IPV6_V6ONLY: 27,
};

/** The constants of a platform, or null where we do not know them. */
export function socketConstants(platform: string, architecture: string): SocketConstants | null {
  if (platform === 'darwin') return DARWIN;
  if (platform === 'linux' && !/^(mips|sparc)/.test(architecture)) return LINUX;
  return null;
}
