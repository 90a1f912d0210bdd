/**
 * The system calls on sockets that Node does not offer, on descriptors (plain numbers).
 *
 * A call answers as the kernel does: what it has, or a negative errno. Nothing here throws for a refusal, and nothing
 * here knows which socket of a session a descriptor belongs to.
 */
import type { Endpoint, Family } from '@luasocket-web/shared/address';
import type { Outcome } from '@luasocket-web/shared/errors';
import type { SocketConstants } from './constants.ts';
import type { DatagramBatch } from './datagram-batch.ts';

export interface System {
  readonly constants: SocketConstants;
  /** Receiving many datagrams at once; null where that cannot be had. */
  readonly batch: DatagramBatch | null;
  /** What an errno (positive) means to LuaSocket. */
  outcome(errno: number): Outcome;
  /** A non-blocking descriptor, closed on exec. IPv6 ones speak only IPv6 (LuaSocket's inet_trycreate). */
  socket(kind: 'stream' | 'datagram', family: Family): number;
  bind(fd: number, local: Endpoint): number;
  /** `null` dissolves an association (AF_UNSPEC). */
  connect(fd: number, peer: Endpoint | null): number;
  listen(fd: number, backlog: number): number;
  localName(fd: number): Endpoint | number;
  peerName(fd: number): Endpoint | number;
  setInt(fd: number, level: number, option: number, value: number): number;
  /** The value goes to `out[0]`. */
  getInt(fd: number, level: number, option: number, out: Int32Array): number;
  setBytes(fd: number, level: number, option: number, value: Uint8Array): number;
  /** Fills `out`; answers how many bytes the kernel gave. */
  getBytes(fd: number, level: number, option: number, out: Uint8Array): number;
  /** sendto(2), or send(2) without `peer`. */
  send(fd: number, payload: Uint8Array, peer: Endpoint | null): number;
  /** recv(2) that does not wait; with `peek` the bytes stay. */
  receive(fd: number, into: Uint8Array, peek: boolean): number;
  /** A copy, closed on exec: the lowest free descriptor from `least` (0). */
  duplicate(fd: number, least?: number): number;
  close(fd: number): number;
  /** Makes the kernel drop whatever arrives at this socket, or stop that. -ENOTSUP where it cannot. */
  dropAll(fd: number, on: boolean): number;
  /** The name of an interface, or null. */
  interfaceName(index: number): string | null;
  /** The index of an interface, or 0. */
  interfaceIndex(name: string): number;
  /** The address that inet_aton(3) reads, 4 bytes in network order, or null. */
  ipv4(text: string): Uint8Array | null;
}
