/**
 * UDP sockets on the kernel's own calls. Sending, binding and connecting are system calls, since their errno is the
 * answer; `dgram` only waits for datagrams on the same descriptor.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { constants } from 'node:os';
import type { Endpoint, Family } from '@luasocket-web/shared/address';
import type { OptionValue } from '@luasocket-web/shared/frames';
import type { System } from '../os/system.ts';
import { endpointOf } from './endpoint.ts';
import { check, nodeFailure, systemFailure } from './failure.ts';
import { getOption, setOption } from './options.ts';
import type { UdpSink, UdpSocket } from './socket.ts';

const { EAGAIN, ENOBUFS } = constants.errno;
const CLOSED = -1;
/**
 * Milliseconds between two datagrams that come by one turn of the event loop, and so may have more behind them. (To count turns
 * would take a timer in each.)
 */
const BURST_MILLISECONDS = 0.05;
/** Batches taken in a row, and milliseconds until the next, so that a socket which is flooded leaves the others their turn. */
const BATCHES = 4;
const PAUSE_MILLISECONDS = 0.1;
/** How often a send is tried again at once when the socket's send queue is full. */
const SEND_RETRIES = 8;

export class KernelUdpSocket implements UdpSocket {
  readonly kind = 'udp';
  readonly family: Family;
  readonly #system: System;
  readonly #sink: UdpSink;
  readonly #receiver: Socket;
  /** When the last datagram came, and when those behind one were last taken: milliseconds. */
  #heard = 0;
  #emptied = 0;
  /** Owned by the receiver, which closes it. */
  #fd: number;

  constructor(system: System, family: Family, sink: UdpSink) {
    this.family = family;
    this.#system = system;
    this.#sink = sink;
    this.#fd = check(system, system.socket('datagram', family));
    this.#receiver = createSocket(family === 4 ? 'udp4' : 'udp6');
    this.#receiver.on('message', (payload: Buffer, from: RemoteInfo) => {
      sink.datagram(endpointOf(system, from.address, from.port), payload);
      this.#takeMore();
    });
    this.#receiver.on('error', (error) => {
      if (this.#fd !== CLOSED) sink.error(nodeFailure(error));
    });
    try {
      this.#receiver.bind({ fd: this.#fd, exclusive: true });
    } catch (error) {
      this.#receiver.close();
      system.close(this.#fd);
      throw nodeFailure(error as Error);
    }
    this.#forbidReuse();
  }

  bind(local: Endpoint): void {
    check(this.#system, this.#system.bind(this.#fd, local));
  }

  connect(peer: Endpoint | null): void {
    check(this.#system, this.#system.connect(this.#fd, peer));
  }

  send(payload: Uint8Array, peer: Endpoint | null): void {
    for (let attempt = 0; ; attempt++) {
      const sent = this.#system.send(this.#fd, payload, peer);
      if (sent >= 0) return;
      // A full queue: a program on this machine would wait here a moment. We may not, and after a few tries do what
      // the next full queue on the way would do: lose the datagram.
      if (sent !== -EAGAIN && sent !== -ENOBUFS) throw systemFailure(this.#system, -sent);
      if (attempt === SEND_RETRIES) return;
    }
  }

  setOption(name: string, value: OptionValue): void {
    setOption(this.#system, this.#fd, 'udp', name, value);
  }

  getOption(name: string): OptionValue {
    return getOption(this.#system, this.#fd, 'udp', name);
  }

  localName(): Endpoint {
    return check(this.#system, this.#system.localName(this.#fd));
  }

  close(): void {
    if (this.#fd === CLOSED) return;
    this.#fd = CLOSED;
    this.#receiver.removeAllListeners('message');
    this.#receiver.close();
  }

  /** The second datagram of a burst takes those behind it along. */
  #takeMore(): void {
    const { batch } = this.#system;
    if (batch === null) return;
    const now = performance.now();
    const alone = now - this.#heard > BURST_MILLISECONDS;
    this.#heard = now;
    if (alone || now - this.#emptied < PAUSE_MILLISECONDS || this.#fd === CLOSED) return;
    const pass = (payload: Uint8Array, from: Endpoint) => {
      if (this.#fd !== CLOSED) this.#sink.datagram(from, payload);
    };
    let came = batch.size;
    for (let i = 0; i < BATCHES && came === batch.size && this.#fd !== CLOSED; i++)
      came = batch.receive(this.#fd, pass);
    this.#emptied = performance.now();
    // libuv would have told of an error that was pending.
    if (came < 0 && came !== -EAGAIN && this.#fd !== CLOSED) this.#sink.error(systemFailure(this.#system, -came));
  }

  /** libuv sets SO_REUSEADDR (BSD: SO_REUSEPORT) on a descriptor it is given; LuaSocket's programs do so themselves. */
  #forbidReuse(): void {
    const { SOL_SOCKET, SO_REUSEADDR, SO_REUSEPORT } = this.#system.constants;
    this.#system.setInt(this.#fd, SOL_SOCKET, SO_REUSEADDR, 0);
    this.#system.setInt(this.#fd, SOL_SOCKET, SO_REUSEPORT, 0);
  }
}
