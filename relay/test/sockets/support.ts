/** Sinks that remember, peers that are plain Node sockets, and what the kernel says about descriptors. */
import { readdirSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { Endpoint, Family } from '@luasocket-web/shared/address';
import { ReadBuffers } from '../../src/sockets/read-buffers.ts';
import type { SocketFactory, SystemFailure, TcpSink, TcpSocket, UdpSink, UdpSocket } from '../../src/sockets/socket.ts';

export const ANY = { 4: '0.0.0.0', 6: '::' } as const;
const LOOPBACK = { 4: '127.0.0.1', 6: '::1' } as const;

export function at(family: Family, port: number, address: string = LOOPBACK[family]): Endpoint {
  return { family, address, port };
}

/** Waits until something is so, by turns of the event loop: what is awaited comes from the kernel, not from a clock. */
export async function until(what: () => boolean, described = String(what)): Promise<void> {
  const deadline = Date.now() + 8000;
  while (!what()) {
    if (Date.now() > deadline) throw new Error(`never came to be: ${described}`);
    await turn();
  }
}

/** A few turns of the event loop, in which what the kernel has is seen. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await turn();
}

export interface Arrived {
  readonly socket: TcpSocket;
  readonly local: Endpoint;
  readonly peer: Endpoint;
}

export class TcpLog implements TcpSink {
  readonly buffers = new ReadBuffers();
  readonly names: { local: Endpoint; peer: Endpoint }[] = [];
  readonly chunks: Uint8Array[] = [];
  readonly failures: SystemFailure[] = [];
  readonly arrivals: Arrived[] = [];
  ends = 0;
  bytesDrained = 0;
  connected(local: Endpoint, peer: Endpoint): void {
    this.names.push({ local, peer });
  }
  data(payload: Uint8Array): void {
    this.chunks.push(payload);
  }
  end(): void {
    this.ends++;
  }
  error(failure: SystemFailure): void {
    this.failures.push(failure);
  }
  drained(bytes: number): void {
    this.bytesDrained += bytes;
  }
  accepted(socket: TcpSocket, local: Endpoint, peer: Endpoint): void {
    this.arrivals.push({ socket, local, peer });
  }
  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }
  get codes(): string[] {
    return this.failures.map((failure) => failure.code);
  }
}

export class UdpLog implements UdpSink {
  readonly datagrams: { peer: Endpoint; text: string; size: number }[] = [];
  readonly failures: SystemFailure[] = [];
  datagram(peer: Endpoint, payload: Uint8Array): void {
    this.datagrams.push({ peer, text: Buffer.from(payload).toString('latin1'), size: payload.length });
  }
  error(failure: SystemFailure): void {
    this.failures.push(failure);
  }
}

export function openTcp(sockets: SocketFactory, family: Family = 4): { socket: TcpSocket; log: TcpLog } {
  const log = new TcpLog();
  return { socket: sockets.tcp(family, log), log };
}

export function openUdp(sockets: SocketFactory, family: Family = 4): { socket: UdpSocket; log: UdpLog } {
  const log = new UdpLog();
  return { socket: sockets.udp(family, log), log };
}

/** A listening relay socket. */
export function listening(
  sockets: SocketFactory,
  family: Family = 4,
  backlog = 32,
): { socket: TcpSocket; log: TcpLog; name: Endpoint } {
  const { socket, log } = openTcp(sockets, family);
  socket.bind(at(family, 0));
  socket.listen(backlog);
  return { socket, log, name: socket.localName() };
}

/** Two relay sockets with a connection between them; the accepted one is adopted and reading. */
export async function pair(sockets: SocketFactory, family: Family = 4) {
  const server = listening(sockets, family);
  const client = openTcp(sockets, family);
  client.socket.connect(server.name);
  await until(() => server.log.arrivals.length === 1 && client.log.names.length === 1);
  const [arrival] = server.log.arrivals;
  if (arrival === undefined) throw new Error('not accepted');
  const log = new TcpLog();
  arrival.socket.adopt(log);
  arrival.socket.resume();
  server.socket.taken();
  server.socket.close(false);
  return { client: client.socket, clientLog: client.log, accepted: arrival.socket, acceptedLog: log };
}

/** A plain Node peer: what the outside sees. */
export class Peer {
  readonly chunks: Buffer[] = [];
  readonly socket: Socket;
  ended = false;
  closed = false;
  error: string | undefined;
  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.chunks.push(chunk));
    socket.on('end', () => {
      this.ended = true;
    });
    socket.on('close', () => {
      this.closed = true;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code;
    });
  }
  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }
  get size(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }
}

export async function dial(name: Endpoint): Promise<Peer> {
  const peer = new Peer(connect({ host: name.address, port: name.port, allowHalfOpen: true }));
  await until(() => !peer.socket.connecting);
  return peer;
}

/** A plain Node server on a loopback port. */
export async function serve(family: Family = 4): Promise<{ server: Server; name: Endpoint; peers: Peer[] }> {
  const peers: Peer[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => peers.push(new Peer(socket)));
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK[family], resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { server, name: at(family, address.port), peers };
}

/** A port of loopback that nobody listens on (for the moment). */
export async function deadPort(family: Family = 4): Promise<number> {
  const { server, name } = await serve(family);
  await new Promise((resolve) => server.close(resolve));
  return name.port;
}

/** How many descriptors this process has (Linux). */
export function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** The code that a call refuses with. */
export function refusal(call: () => unknown): string | null {
  try {
    call();
    return null;
  } catch (error) {
    return (error as SystemFailure).code;
  }
}
