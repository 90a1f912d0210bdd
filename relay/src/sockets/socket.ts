/**
 * What a relay's session may ask of a socket, and what a socket tells its session.
 *
 * Each call is one system call; a refusal is a thrown `SystemFailure`. A socket knows no frame, session or policy:
 * the addresses it gets have passed the gate.
 */
import type { Endpoint, Family } from '@luasocket-web/shared/address';
import type { OutcomeCode } from '@luasocket-web/shared/errors';
import type { OptionValue } from '@luasocket-web/shared/frames';
import { Refusal } from '../os/refusal.ts';
import type { ReadBuffers } from './read-buffers.ts';

/** A system call that was refused: a code of the catalogue, or the system's own text where there is none. */
export class SystemFailure extends Refusal {
  override readonly name = 'SystemFailure';
  readonly code: OutcomeCode;
  readonly detail: string | undefined;
  constructor(code: OutcomeCode, detail?: string) {
    super(detail ?? code);
    this.code = code;
    this.detail = detail;
  }
}

export interface RelaySocket {
  readonly kind: 'tcp' | 'udp';
  readonly family: Family;
  bind(local: Endpoint): void;
  /** LuaSocket's option name and value; SETSOCKOPT when the system refuses or has no such option. */
  setOption(name: string, value: OptionValue): void;
  getOption(name: string): OptionValue;
  /** getsockname(2). */
  localName(): Endpoint;
}

/** What a TCP socket tells its session; never called from within a call of the session, except `drained`. */
export interface TcpSink {
  /** Where what comes is kept; null when nothing will. */
  readonly buffers: ReadBuffers | null;
  connected(local: Endpoint, peer: Endpoint): void;
  /**
   * Bytes from the peer, in `buffers`: with HEADROOM before them, and the sink's until it releases them. Not called
   * while paused, save for one read under way.
   */
  data(payload: Uint8Array): void;
  /** The peer has finished sending; all data before it. */
  end(): void;
  /** A failed attempt to connect, or the end of an established connection in both directions. */
  error(failure: SystemFailure): void;
  /** The kernel has taken `bytes` more of what was written. */
  drained(bytes: number): void;
  /** A connection has arrived on this listening socket. It is paused, has no sink yet, and says nothing before `adopt`. */
  accepted(socket: TcpSocket, local: Endpoint, peer: Endpoint): void;
}

export interface TcpSocket extends RelaySocket {
  readonly kind: 'tcp';
  /** Bytes given to `sink.data` so far. */
  readonly received: number;
  /** Gives an accepted socket its sink. */
  adopt(sink: TcpSink): void;
  /** Begins an attempt; answers the local name it goes out from. Then `connected` or `error`. */
  connect(peer: Endpoint): Endpoint;
  /** Ends an attempt that is under way: `error` ETIMEDOUT follows. Nothing happens when there is none. */
  giveUp(): void;
  /** `backlog` as listen(2) takes it. From then on `accepted` is called for at most that many + 1 that are not `taken`. */
  listen(backlog: number): void;
  /** One of the connections told by `accepted` was taken by the program (or has gone): its place in the queue is free. */
  taken(): void;
  /** Answers whether nothing of `payload` is needed any more; else it must stay as it is. */
  write(payload: Uint8Array): boolean;
  /** Sends FIN after what is still to be written (send, both). */
  shutdown(how: 'receive' | 'send' | 'both'): void;
  pause(): void;
  resume(): void;
  /**
   * close(2): what was written is still delivered; `reset` resets instead (SO_LINGER 0). Nothing is told afterwards,
   * save `gone`: a connection's descriptor is closed, so what was written is delivered or given up.
   */
  close(reset: boolean, gone?: () => void): void;
}

export interface UdpSink {
  datagram(peer: Endpoint, payload: Uint8Array): void;
  /** A pending error, such as an ICMP refusal on a connected socket. */
  error(failure: SystemFailure): void;
}

export interface UdpSocket extends RelaySocket {
  readonly kind: 'udp';
  /** connect(2); null dissolves the association. */
  connect(peer: Endpoint | null): void;
  /** sendto(2), or send(2) when `peer` is null: taken by the kernel when it returns. */
  send(payload: Uint8Array, peer: Endpoint | null): void;
  close(): void;
}

/** Makes sockets: the one thing a session is handed. EMFILE, EAFNOSUPPORT, ... as socket(2). */
export interface SocketFactory {
  tcp(family: Family, sink: TcpSink): TcpSocket;
  udp(family: Family, sink: UdpSink): UdpSocket;
}
