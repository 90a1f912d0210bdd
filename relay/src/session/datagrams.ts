/**
 * UDP sockets of a session. Datagrams from peers go to the client while there is credit; one that finds none is dropped,
 * as a kernel drops what finds no room in SO_RCVBUF. A lost WebSocket loses those on their way.
 */
import type { Endpoint } from '@luasocket-web/shared/address';
import type { BulkLimit } from '@luasocket-web/shared/bulk-limit';
import type { SendPool } from '@luasocket-web/shared/flow';
import { DATAGRAM_OVERHEAD, DATAGRAM_QUEUE } from '@luasocket-web/shared/limits';
import type { Peers } from '../limits/scans.ts';
import type { SystemFailure, UdpSink, UdpSocket } from '../sockets/socket.ts';
import { Ordered } from './ordered.ts';
import type { Voice } from './parts.ts';
import { outcomeOf } from './requests.ts';

/** Why a datagram from a peer was not passed on. */
export type Dropped = 'detached' | 'credit' | 'queue' | 'stranger';

export interface DatagramPortOptions {
  readonly voice: Voice;
  readonly send: SendPool;
  readonly bulkLimit: Pick<BulkLimit, 'sending'>;
  /** Limits on its peers; null: none. */
  readonly peers: Peers | null;
  /** Whether it hears peers that it has sent nothing to. */
  readonly strangers: boolean;
  readonly dropped: (why: Dropped) => void;
}

export class DatagramPort implements UdpSink {
  readonly kind = 'udp';
  readonly id: number;
  readonly ordered = new Ordered();
  socket: UdpSocket | null = null;
  /** Why socket(2) was refused: the answer to every request. */
  refused: SystemFailure | null = null;
  /** Of a socket that is connected. */
  #peer: Endpoint | null = null;
  readonly #options: DatagramPortOptions;

  constructor(id: number, options: DatagramPortOptions) {
    this.id = id;
    this.#options = options;
  }

  /** connect(2). @throws SystemFailure when it is one peer too many. */
  connect(made: UdpSocket, peer: Endpoint | null): void {
    if (peer) this.#options.peers?.send(peer, 0);
    made.connect(peer);
    this.#peer = peer;
  }

  /** sendto(2), or send(2) without `to`. @throws SystemFailure when that is more than this peer may get. */
  write(made: UdpSocket, payload: Uint8Array, to: Endpoint | null): void {
    const peer = to ?? this.#peer;
    if (peer) this.#options.peers?.send(peer, payload.length);
    made.send(payload, to);
  }

  datagram(peer: Endpoint, payload: Uint8Array): void {
    const { voice, send, bulkLimit } = this.#options;
    voice.guard(() => {
      const obstacle = this.#obstacle(peer, payload);
      if (obstacle !== null) {
        this.#options.dropped(obstacle);
        return;
      }
      const cost = payload.length + DATAGRAM_OVERHEAD;
      bulkLimit.sending(this.id, cost);
      send.spend(this.id, cost);
      voice.send({ type: 'datagram', socket: this.id, peer, payload });
    });
  }

  error(failure: SystemFailure): void {
    this.#options.voice.guard(() => this.tell(failure));
  }

  /** A pending error of the socket. @throws `error` itself when it is no outcome but a defect. */
  tell(error: unknown): void {
    const { code, detail } = outcomeOf(error);
    this.#options.voice.send({ type: 'error', socket: this.id, error: code, detail });
  }

  /** The WebSocket was replaced: what was on its way is lost, and its credit given back. */
  renewed(): void {
    this.#options.send.close(this.id);
  }

  close(): void {
    this.ordered.close();
    this.socket?.close();
    this.socket = null;
    this.#options.send.close(this.id);
  }

  #obstacle(peer: Endpoint, payload: Uint8Array): Dropped | null {
    const { voice, send, peers, strangers } = this.#options;
    if (peers !== null && !peers.heard(peer, payload.length)) {
      if (!strangers) return 'stranger';
      peers.admit(peer, payload.length);
    }
    const cost = payload.length + DATAGRAM_OVERHEAD;
    if (!voice.attached) return 'detached';
    if (cost > send.allowance(this.id)) return 'credit';
    return send.outstandingOf(this.id) + cost > DATAGRAM_QUEUE ? 'queue' : null;
  }
}
