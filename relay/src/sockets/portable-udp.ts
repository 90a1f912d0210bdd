/**
 * UDP sockets through `dgram` alone, for machines where the system calls cannot be had (no koffi, Windows). A send
 * that the system refuses is told as a pending error, since `dgram` says so only later; of the options there are those
 * that `dgram` offers, set when the socket has been bound.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { Endpoint, Family } from '@luasocket-web/shared/address';
import type { OptionValue, Scalar } from '@luasocket-web/shared/frames';
import { MAX_DATAGRAM_V4, MAX_DATAGRAM_V6 } from '@luasocket-web/shared/limits';
import { addressText, endpointOf, nowhere } from './endpoint.ts';
import { nodeFailure, optionFailure } from './failure.ts';
import { SystemFailure, type UdpSink, type UdpSocket } from './socket.ts';

export class PortableUdpSocket implements UdpSocket {
  readonly kind = 'udp';
  readonly family: Family;
  readonly #sink: UdpSink;
  readonly #socket: Socket;
  /** The last error that `dgram` emitted within a call of ours. */
  #refusal: Error | null = null;
  #calling = false;
  #bound = false;
  #connected = false;
  #closed = false;
  readonly #options = new Map<string, OptionValue>();

  constructor(family: Family, sink: UdpSink) {
    this.family = family;
    this.#sink = sink;
    this.#socket = createSocket({
      type: family === 4 ? 'udp4' : 'udp6',
      ipv6Only: family === 6,
      // Addresses are literals; answering at once makes `dgram` act at once.
      lookup: (host, _options, found) => found(null, host, family),
    });
    this.#socket.on('message', (payload: Buffer, from: RemoteInfo) => {
      if (!this.#closed) sink.datagram(endpointOf(null, from.address, from.port), payload);
    });
    this.#socket.on('error', (error) => {
      if (this.#calling) this.#refusal = error;
      else this.#tell(error);
    });
  }

  bind(local: Endpoint): void {
    if (this.#bound) throw new SystemFailure('EINVAL');
    if (local.family !== this.family) throw new SystemFailure('EAFNOSUPPORT');
    this.#call(() => this.#socket.bind({ address: addressText(null, local), port: local.port, exclusive: true }));
    this.#bound = true;
    for (const [name, value] of this.#options) this.#apply(name, value);
  }

  connect(peer: Endpoint | null): void {
    if (!this.#bound && peer !== null) this.bind(nowhere(this.family));
    this.#call(() => {
      if (this.#connected) this.#socket.disconnect();
      this.#connected = false;
      if (peer === null) return;
      if (peer.port === 0) throw new SystemFailure('EINVAL');
      this.#socket.connect(peer.port, addressText(null, peer));
      this.#connected = true;
    });
  }

  send(payload: Uint8Array, peer: Endpoint | null): void {
    if (this.#closed) throw new SystemFailure('EBADF');
    if (payload.length > (this.family === 4 ? MAX_DATAGRAM_V4 : MAX_DATAGRAM_V6)) throw new SystemFailure('EMSGSIZE');
    if (peer?.port === 0) throw new SystemFailure('EINVAL');
    if (peer === null && !this.#connected) throw new SystemFailure('EDESTADDRREQ');
    if (peer !== null && this.#connected) throw new SystemFailure('EISCONN');
    if (!this.#bound) this.bind(nowhere(this.family));
    const sent = (error: Error | null): void => {
      if (error) this.#tell(error);
    };
    this.#call(() => {
      if (peer === null) this.#socket.send(payload, sent);
      else this.#socket.send(payload, peer.port, addressText(null, peer), sent);
    });
  }

  setOption(name: string, value: OptionValue): void {
    if (this.#closed || !OPTIONS.has(name)) throw optionFailure('SETSOCKOPT');
    if (this.#bound) this.#apply(name, value);
    else this.#options.set(name, value);
  }

  getOption(): OptionValue {
    throw optionFailure('GETSOCKOPT');
  }

  localName(): Endpoint {
    if (this.#closed) throw new SystemFailure('EBADF');
    if (!this.#bound) return nowhere(this.family);
    const { address, port } = this.#socket.address();
    return endpointOf(null, address, port);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }

  #apply(name: string, value: OptionValue): void {
    try {
      OPTIONS.get(name)?.(this.#socket, value);
    } catch {
      throw optionFailure('SETSOCKOPT');
    }
  }

  #call(action: () => void): void {
    if (this.#closed) throw new SystemFailure('EBADF');
    this.#calling = true;
    try {
      action();
    } catch (error) {
      throw error instanceof SystemFailure ? error : nodeFailure(error as Error);
    } finally {
      this.#calling = false;
    }
    const refusal = this.#refusal;
    this.#refusal = null;
    if (refusal !== null) throw nodeFailure(refusal);
  }

  #tell(error: Error): void {
    if (!this.#closed) this.#sink.error(nodeFailure(error));
  }
}

type Setter = (socket: Socket, value: OptionValue) => void;

const OPTIONS: ReadonlyMap<string, Setter> = new Map<string, Setter>([
  ['broadcast', (socket, value) => socket.setBroadcast(value === true)],
  ['ip-multicast-loop', (socket, value) => socket.setMulticastLoopback(value === true)],
  ['ip-multicast-ttl', (socket, value) => socket.setMulticastTTL(Number(value))],
  ['ip-multicast-if', (socket, value) => socket.setMulticastInterface(value === '*' ? '0.0.0.0' : String(value))],
  ['ip-add-membership', (socket, value) => socket.addMembership(...membership(value))],
  ['ip-drop-membership', (socket, value) => socket.dropMembership(...membership(value))],
]);

function membership(value: OptionValue): [group: string, local: string | undefined] {
  const { multiaddr, interface: local } = value as { readonly [key: string]: Scalar };
  return [String(multiaddr), local === '*' ? undefined : String(local)];
}
