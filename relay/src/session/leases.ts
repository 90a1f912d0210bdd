/**
 * Ephemeral ports reserved in advance, for programs that cannot wait for the answer of a bind to port 0 (PROTOCOL.md,
 * section 8). A port is reserved by binding it.
 */

import type { Family } from '@luasocket-web/shared/address';
import { KIND } from '@luasocket-web/shared/frames';
import type { Gate } from '../gate.ts';
import type { SocketFactory, TcpSocket, UdpSocket } from '../sockets/socket.ts';
import type { Voice } from './parts.ts';

/** Most ports of one kind and family that a client may hold. */
const MAX_LEASES = 16;

type Reservation = TcpSocket | UdpSocket;

const ALL = [
  ['tcp', 4],
  ['tcp', 6],
  ['udp', 4],
  ['udp', 6],
] as const;

/** Sockets that only hold a port hear nothing. */
const DEAF = {
  buffers: null,
  connected() {},
  data() {},
  end() {},
  error() {},
  drained() {},
  accepted() {},
  datagram() {},
};

export class Leases {
  readonly #voice: Voice;
  readonly #sockets: SocketFactory;
  readonly #gate: Gate;
  readonly #wanted: number;
  readonly #held = new Map<string, Reservation>();

  /** @param wanted ports of each kind and family; above MAX_LEASES counts as that. */
  constructor(voice: Voice, sockets: SocketFactory, gate: Gate, wanted: number) {
    this.#voice = voice;
    this.#sockets = sockets;
    this.#gate = gate;
    this.#wanted = Math.min(wanted, MAX_LEASES);
  }

  /** Grants the first leases. */
  begin(): void {
    for (const [kind, family] of ALL) {
      for (let i = 0; i < this.#wanted; i++) if (!this.#grant(kind, family)) break;
    }
  }

  /** The client binds this port: gives up the reservation, if it is one, and answers whether it was. */
  release(kind: 'tcp' | 'udp', family: Family, port: number): boolean {
    const name = key(kind, family, port);
    const reservation = this.#held.get(name);
    if (!reservation) return false;
    this.#held.delete(name);
    free(reservation);
    return true;
  }

  /** Grants a lease in place of one that was used. */
  renew(kind: 'tcp' | 'udp', family: Family): void {
    this.#grant(kind, family);
  }

  close(): void {
    for (const reservation of this.#held.values()) free(reservation);
    this.#held.clear();
  }

  #grant(kind: 'tcp' | 'udp', family: Family): boolean {
    const any = { family, address: family === 4 ? '0.0.0.0' : '::', port: 0 };
    let reservation: Reservation | null = null;
    try {
      this.#gate.pass({ name: 'bind', kind, at: any });
      reservation = kind === 'tcp' ? this.#sockets.tcp(family, DEAF) : this.#sockets.udp(family, DEAF);
      reservation.bind(any);
      const { port } = reservation.localName();
      this.#held.set(key(kind, family, port), reservation);
      this.#voice.send({ type: 'lease', kind: KIND[kind], family, port });
      return true;
    } catch {
      // No such family here, no descriptor or no port left, or denied: the client binds with a round trip instead.
      if (reservation) free(reservation);
      return false;
    }
  }
}

function key(kind: 'tcp' | 'udp', family: Family, port: number): string {
  return `${kind}${family}:${port}`;
}

function free(reservation: Reservation): void {
  if (reservation.kind === 'tcp') reservation.close(false);
  else reservation.close();
}
