/**
 * UDP sockets of a session. Datagrams from peers go to the client while there is credit; one that finds none is dropped,
 * as a kernel drops what finds no room in SO_RCVBUF. A lost WebSocket loses those on their way.
 */
import type { Endpoint } from '@luasocket-web/shared/address';
import type { SendPool } from '@luasocket-web/shared/flow';
import { DATAGRAM_OVERHEAD, DATAGRAM_QUEUE } from '@luasocket-web/shared/limits';
import type { SystemFailure, UdpSink, UdpSocket } from '../sockets/socket.ts';
import { Ordered } from './ordered.ts';
import type { Voice } from './parts.ts';
import { outcomeOf } from './requests.ts';

export class DatagramPort implements UdpSink {
  readonly kind = 'udp';
  readonly id: number;
  readonly ordered = new Ordered();
  socket: UdpSocket | null = null;
  /** Why socket(2) was refused: the answer to every request. */
  refused: SystemFailure | null = null;
  readonly #voice: Voice;
  readonly #send: SendPool;

  constructor(id: number, voice: Voice, send: SendPool) {
    this.id = id;
    this.#voice = voice;
    this.#send = send;
  }

  datagram(peer: Endpoint, payload: Uint8Array): void {
    this.#voice.guard(() => {
      const cost = payload.length + DATAGRAM_OVERHEAD;
      if (!this.#voice.attached || cost > this.#send.allowance(this.id)) return;
      if (this.#send.outstandingOf(this.id) + cost > DATAGRAM_QUEUE) return;
      this.#send.spend(this.id, cost);
      this.#voice.send({ type: 'datagram', socket: this.id, peer, payload });
    });
  }

  error(failure: SystemFailure): void {
    this.#voice.guard(() => this.tell(failure));
  }

  /** A pending error of the socket. @throws `error` itself when it is no outcome but a defect. */
  tell(error: unknown): void {
    const { code, detail } = outcomeOf(error);
    this.#voice.send({ type: 'error', socket: this.id, error: code, detail });
  }

  /** The WebSocket was replaced: what was on its way is lost, and its credit given back. */
  renewed(): void {
    this.#send.close(this.id);
  }

  close(): void {
    this.ordered.close();
    this.socket?.close();
    this.socket = null;
    this.#send.close(this.id);
  }
}
