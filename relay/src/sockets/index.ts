/** The factory of real sockets. */
import { loadSystem } from '../os/libc.ts';
import type { System } from '../os/system.ts';
import { PortableTcpSocket } from './portable-tcp.ts';
import { PortableUdpSocket } from './portable-udp.ts';
import type { SocketFactory } from './socket.ts';
import { KernelTcpSocket } from './tcp.ts';
import { KernelUdpSocket } from './udp.ts';

/** Bytes read at once from a TCP connection that is quiet. One buffer serves all of them (see Intake). */
const READ_BUFFER_BYTES = 64 * 1024;

export interface SocketsConfig {
  /** The system calls to use; null: none, only what Node offers. Default: the C library's, where they can be had. */
  readonly system?: System | null;
}

/** Sockets of this machine. Whoever makes them has passed the addresses it gives them through its policy. */
export function createSockets(config: SocketsConfig = {}): SocketFactory {
  const system = config.system === undefined ? loadSystem() : config.system;
  const readBuffer = new Uint8Array(READ_BUFFER_BYTES);
  if (system === null) {
    return {
      tcp: (family, sink) => new PortableTcpSocket(family, readBuffer, sink),
      udp: (family, sink) => new PortableUdpSocket(family, sink),
    };
  }
  return {
    tcp: (family, sink) => new KernelTcpSocket(system, family, readBuffer, sink),
    udp: (family, sink) => new KernelUdpSocket(system, family, sink),
  };
}
