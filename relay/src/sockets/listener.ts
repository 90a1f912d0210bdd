/**
 * A listening socket, and the queue that the kernel would keep for it.
 *
 * Node accepts whatever the kernel has queued, at once. The queue of a program that has not accepted yet is kept here:
 * `backlog` + 1 connections (as Linux counts) are told, and each frees its place when the program takes it. While the
 * queue is full, the kernel drops what arrives (a filter on the listening socket), so that others' attempts hang and
 * time out as with a full kernel queue. Where there is no filter, the surplus is reset.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Endpoint, Family } from '@luasocket-web/shared/address';
import type { System } from '../os/system.ts';
import { endpointOf, nowhere } from './endpoint.ts';
import { check } from './failure.ts';
import { type Handle, takeHandle } from './handle.ts';
import { SystemFailure } from './socket.ts';
import { TcpStream } from './stream.ts';

/** Where listen(2) cuts a backlog, when the system does not say. */
const DEFAULT_SOMAXCONN = 128;

/** Called for each connection that there is a place for. */
export type Accepted = (stream: TcpStream, local: Endpoint, peer: Endpoint) => void;

interface Arrived {
  readonly stream: TcpStream;
  readonly local: Endpoint;
  readonly peer: Endpoint;
}

export class TcpListener {
  readonly #system: System | null;
  readonly #family: Family;
  readonly #readBuffer: Uint8Array;
  readonly #accepted: Accepted;
  readonly #server: Server;
  #fd = -1;
  #backlog = 0;
  /** Connections told and not taken. */
  #waiting = 0;
  /** Connections that slipped in before the queue was closed; told when there is a place. */
  readonly #surplus: Arrived[] = [];
  #filtered = false;

  constructor(system: System | null, family: Family, readBuffer: Uint8Array, accepted: Accepted) {
    this.#system = system;
    this.#family = family;
    this.#readBuffer = readBuffer;
    this.#accepted = accepted;
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    this.#server.on('connection', (socket) => this.#arrived(socket));
    // What can be refused has been refused by then.
    this.#server.on('error', () => {});
  }

  /** listen(2) on a descriptor, which the listener owns if this succeeds. */
  listenOn(system: System, fd: number, backlog: number): void {
    check(system, system.listen(fd, backlog));
    this.#fd = fd;
    this.#setBacklog(backlog);
    this.#server.listen({ fd });
    // Node has just listened with a backlog of its own.
    this.#offer();
  }

  /** Listens on a bound handle of Node's, which the listener owns from now on. */
  listenHandle(handle: Handle, backlog: number): void {
    this.#setBacklog(backlog);
    this.#server.listen(handle, this.#backlog);
    // libuv keeps a refused bind(2) until now, and Node tells it later; there is hardly another reason.
    if (!this.#server.listening) throw new SystemFailure('EADDRINUSE');
  }

  /** listen(2) again: another backlog. */
  listenAgain(system: System, backlog: number): void {
    check(system, system.listen(this.#fd, backlog));
    this.#setBacklog(backlog);
    this.#offer();
  }

  get fd(): number {
    return this.#fd;
  }

  /** The name, where there are no system calls. */
  get name(): Endpoint | null {
    const address = this.#server.address();
    return address === null || typeof address === 'string' ? null : endpointOf(null, address.address, address.port);
  }

  taken(): void {
    if (this.#waiting > 0) this.#waiting--;
    const next = this.#surplus.shift();
    if (next !== undefined) {
      this.#waiting++;
      setImmediate(() => this.#tell(next));
    }
    this.#offer();
  }

  /** Stops listening. Connections that were not told are reset; the others are the session's. */
  close(): void {
    this.#fd = -1;
    this.#server.close();
    for (const { stream } of this.#surplus.splice(0)) stream.close(true);
  }

  #setBacklog(backlog: number): void {
    // The kernel reads a negative backlog as a huge unsigned one.
    this.#backlog = backlog < 0 ? somaxconn() : Math.min(backlog, somaxconn());
  }

  get #full(): boolean {
    return this.#waiting > this.#backlog;
  }

  #arrived(socket: Socket): void {
    const arrived = this.#adopt(socket);
    if (arrived === null) return;
    if (!this.#full) {
      this.#waiting++;
      this.#offer();
      this.#tell(arrived);
    } else if (this.#filtered) this.#surplus.push(arrived);
    else arrived.stream.close(true);
  }

  #tell({ stream, local, peer }: Arrived): void {
    if (this.#server.listening) this.#accepted(stream, local, peer);
    else stream.close(true);
  }

  #adopt(socket: Socket): Arrived | null {
    const { localAddress, localPort, remoteAddress, remotePort } = socket;
    const handle = takeHandle(socket);
    if (handle === null) return null;
    const system = this.#system;
    const stream = new TcpStream(system, { accepted: handle }, this.#readBuffer, null);
    // A connection made while the filter was on would have inherited it, and would hear nothing.
    if (this.#filtered) system?.dropAll(stream.fd, false);
    const nameOr = (name: Endpoint | number | undefined, address?: string, port?: number): Endpoint => {
      if (typeof name === 'object') return name;
      return address === undefined ? nowhere(this.#family) : endpointOf(system, address, port ?? 0);
    };
    return {
      stream,
      local: nameOr(system?.localName(stream.fd), localAddress, localPort),
      peer: nameOr(system?.peerName(stream.fd), remoteAddress, remotePort),
    };
  }

  /** Tells the kernel how many more may come. */
  #offer(): void {
    if (this.#system === null || this.#fd < 0) return;
    if (this.#full !== this.#filtered) {
      this.#filtered = this.#system.dropAll(this.#fd, this.#full) >= 0 && this.#full;
    }
    // At least 1: with 0, Linux takes every handshake for a flood and answers by SYN cookies, if it may.
    const places = this.#backlog === 0 ? 0 : Math.max(1, this.#backlog - this.#waiting);
    if (!this.#full) this.#system.listen(this.#fd, places);
  }
}

function somaxconn(): number {
  try {
    return Number(readFileSync('/proc/sys/net/core/somaxconn', 'latin1')) || DEFAULT_SOMAXCONN;
  } catch {
    return DEFAULT_SOMAXCONN;
  }
}
