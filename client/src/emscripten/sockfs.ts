/**
 * Sockets of programs whose system calls cannot be told apart. Emscripten's runtime makes a WebSocket for each peer of a
 * socket (SOCKFS, libsockfs.js); here it gets objects that only look like one. All other WebSockets of the page stay
 * what they are: ours are made while SOCKFS makes a peer, and at no other time.
 */
import { parseAddress } from '@luasocket-web/shared/address';
import { type Channel, Failure, type Where } from '../core/channel.ts';
import type { Unread } from './peer.ts';
import { DatagramPeer, Datagrams } from './peer-datagrams.ts';
import { StreamPeer } from './peer-stream.ts';

/** What SOCKFS keeps of a socket, as far as it matters here. */
interface SockfsSocket {
  /** SOCK_STREAM 1, SOCK_DGRAM 2 */
  readonly type: number;
  readonly sock_ops: SockfsOperations;
  readonly peers: object;
  /** The port it was bound to. */
  readonly sport?: number;
  readonly recv_queue: Unread;
}

interface SockfsOperations {
  createPeer(sock: SockfsSocket, address: unknown, port: unknown): unknown;
  connect(sock: SockfsSocket, address: unknown, port: unknown): unknown;
  bind(sock: SockfsSocket, address: unknown, port: unknown): unknown;
  close(sock: SockfsSocket): unknown;
}

const SOCK_DGRAM = 2;
const EINPROGRESS = 26;

interface Making {
  readonly sock: SockfsSocket;
  readonly host: string;
  readonly port: number;
}

export class Sockfs {
  readonly #channel: Channel;
  readonly #datagrams = new Map<SockfsSocket, Datagrams>();
  /** The peer that is being made. */
  #making: Making | null = null;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** From now on, in `scope`: the page. */
  install(scope: { WebSocket: typeof WebSocket }): void {
    this.#catchOperations((operations) => this.#wrap(operations));
    const make = (): object | null => this.#make();
    scope.WebSocket = new Proxy(scope.WebSocket, {
      construct: (target, args, newTarget) => make() ?? Reflect.construct(target, args, newTarget),
    });
  }

  /**
   * SOCKFS is a variable of the program's script that nobody can reach. But it puts each socket into a property of a plain
   * object: a setter on the prototype of all objects sees the first one, then it goes.
   */
  #catchOperations(caught: (operations: SockfsOperations) => void): void {
    Object.defineProperty(Object.prototype, 'sock', {
      configurable: true,
      enumerable: false,
      get: () => undefined,
      set(this: object, value: unknown) {
        Object.defineProperty(this, 'sock', { value, configurable: true, enumerable: true, writable: true });
        if (!isSockfsSocket(value)) return;
        Reflect.deleteProperty(Object.prototype, 'sock');
        caught(value.sock_ops);
      },
    });
  }

  #wrap(operations: SockfsOperations): void {
    const { createPeer, connect, bind, close } = operations;
    operations.createPeer = (sock, address, port) => {
      if (typeof address === 'string') this.#making = { sock, host: address, port: Number(port) };
      try {
        return createPeer.call(operations, sock, address, port);
      } finally {
        this.#making = null;
      }
    };
    operations.connect = (sock, address, port) => {
      try {
        return connect.call(operations, sock, address, port);
      } catch (error) {
        // It says so of datagram sockets too, where there is nothing in progress.
        if (sock.type === SOCK_DGRAM && (error as { errno?: unknown }).errno === EINPROGRESS) return undefined;
        throw error;
      }
    };
    operations.bind = (sock, address, port) => {
      const result = bind.call(operations, sock, address, port);
      // Datagrams may come before it sends any.
      if (sock.type === SOCK_DGRAM) this.#datagramsOf(sock);
      return result;
    };
    operations.close = (sock) => {
      const result = close.call(operations, sock);
      this.#datagrams.get(sock)?.close();
      this.#datagrams.delete(sock);
      return result;
    };
  }

  #make(): object | null {
    if (this.#making === null) return null;
    const { sock, host, port } = this.#making;
    this.#making = null;
    if (sock.type !== SOCK_DGRAM) {
      const where = this.#where(host, port, 'tcp');
      return new StreamPeer(this.#channel.tcp('family' in where ? where.family : 4), where, sock.recv_queue);
    }
    return new DatagramPeer(this.#datagramsOf(sock), host, this.#where(host, port, 'udp'));
  }

  #datagramsOf(sock: SockfsSocket): Datagrams | null {
    const known = this.#datagrams.get(sock);
    if (known) return known;
    const socket = this.#channel.udp(4);
    if (socket instanceof Failure) return null;
    const datagrams = new Datagrams(socket, sock.sport ?? null, sock.recv_queue);
    this.#datagrams.set(sock, datagrams);
    return datagrams;
  }

  #where(host: string, port: number, kind: 'tcp' | 'udp'): Where {
    const literal = parseAddress(host === 'localhost' ? '127.0.0.1' : host);
    if (literal !== null) return { ...literal, port };
    return { lookup: this.#channel.lookup(host, String(port), 4, kind, 'connect'), index: 0 };
  }
}

function isSockfsSocket(value: unknown): value is SockfsSocket {
  if (typeof value !== 'object' || value === null) return false;
  const { sock_ops: operations, peers, recv_queue: queue } = value as Partial<SockfsSocket>;
  return typeof operations?.createPeer === 'function' && typeof peers === 'object' && Array.isArray(queue);
}
