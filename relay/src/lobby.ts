/**
 * The lobby: where connections are until they belong to a session. Whoever has not shown a ticket or a key may be anybody,
 * so there is only so much room for those, and when it is full they displace each other, not those who come after them:
 * the oldest of the address with the most (`Crowd`). Who holds a session gets in, whoever else waits. It speaks no HTTP and
 * reads no frames.
 */
import type { Socket } from 'node:net';
import { encodeFrame } from '@luasocket-web/shared/codec';
import { FAULTS } from '@luasocket-web/shared/errors';
import { WebSocket } from 'ws';
import { Crowd } from './limits/crowd.ts';
import { customerOf } from './limits/occupancy.ts';

export interface LobbyOptions {
  /** TCP connections at once, those of sessions included. */
  readonly connections: number;
  /** WebSockets without a session. */
  readonly handshakes: number;
  /** Somebody had to go. */
  readonly displaced: (limit: 'httpConnections' | 'handshakes') => void;
}

/** A WebSocket in the lobby. */
export interface Guest {
  /** It belongs to a session now. */
  admitted(): void;
  /** It has ended, as far as its session is concerned; its client may still have to say so. */
  dismissed(): void;
}

export class Lobby {
  readonly #options: LobbyOptions;
  /** TCP connections that belong to no session. */
  readonly #connections = new Crowd<Socket>();
  /** Those that do. */
  readonly #settled = new Set<Socket>();
  readonly #handshakes = new Crowd<WebSocket>();

  constructor(options: LobbyOptions) {
    this.#options = options;
  }

  /** WebSockets that belong to no session. */
  get handshakes(): number {
    return this.#handshakes.size;
  }

  /** Destroys all connections, those of sessions included. */
  close(): void {
    for (const socket of this.#settled) socket.destroy();
    while (this.#connections.size > 0) this.#connections.displace()?.destroy();
  }

  /** A TCP connection has come up. */
  arrived(socket: Socket, address: string): void {
    socket.once('close', () => {
      this.#connections.leave(socket);
      this.#settled.delete(socket);
    });
    this.#connections.enter(socket, customerOf(address));
    if (this.#connections.size + this.#settled.size <= this.#options.connections) return;
    this.#connections.displace()?.destroy();
    this.#options.displaced('httpConnections');
  }

  /** One that had arrived has become a WebSocket; `address` is its client's, who may be behind a proxy. */
  upgraded(ws: WebSocket, socket: Socket, address: string): Guest {
    const customer = customerOf(address);
    ws.once('close', () => this.#handshakes.leave(ws));
    this.#handshakes.enter(ws, customer);
    if (this.#handshakes.size > this.#options.handshakes) {
      const longest = this.#handshakes.displace();
      if (longest) turnOut(longest);
      this.#options.displaced('handshakes');
    }
    return {
      admitted: () => {
        this.#handshakes.leave(ws);
        if (!this.#connections.has(socket)) return;
        this.#connections.leave(socket);
        this.#settled.add(socket);
      },
      dismissed: () => {
        if (this.#settled.delete(socket)) this.#connections.enter(socket, customer);
      },
    };
  }
}

/** Tells it why, and waits for nothing: who floods would not answer. */
function turnOut(ws: WebSocket): void {
  if (ws.readyState === WebSocket.OPEN) {
    ws.send(
      encodeFrame({ type: 'fault', code: 'limit', message: 'too many have come and said nothing yet; try again' }),
    );
    ws.close(FAULTS.limit.close, 'limit');
  }
  ws.terminate();
}
