/** A UDP socket, and its peers, each of which looks to SOCKFS like its WebSocket. */
import { type DatagramSocket, type Endpoint, Failure, type Where } from '../core/channel.ts';
import { copied, Peer, type Unread } from './peer.ts';

/** SOCKFS begins with its port, for who does not see it: FF FF FF FF "port" and two bytes. */
const PORT_MESSAGE = [0xff, 0xff, 0xff, 0xff, 0x70, 0x6f, 0x72, 0x74];
const PORT_MESSAGE_SIZE = 10;
/** Datagrams that SOCKFS may hold unread; those beyond are lost, as a kernel's queue would have it. */
const MAX_UNREAD = 1024;

export class Datagrams {
  readonly #socket: DatagramSocket;
  readonly #unread: Unread;
  readonly #unsubscribe: () => void;
  /** The names that the program uses for addresses. */
  readonly #names = new Map<string, string>();

  constructor(socket: DatagramSocket, port: number | null, unread: Unread) {
    this.#socket = socket;
    this.#unread = unread;
    if (port !== null) socket.bind({ family: 4, address: '0.0.0.0', port });
    this.#unsubscribe = socket.subscribe(() => this.#read());
  }

  send(bytes: Uint8Array, peer: Endpoint, name: string): void {
    this.#names.set(peer.address, name);
    this.#socket.send(bytes, peer);
  }

  close(): void {
    this.#unsubscribe();
    this.#socket.close();
  }

  /** Straight into SOCKFS' queue, since datagrams come from those too to whom none was sent. */
  #read(): void {
    for (let got = this.#socket.recv(); got !== null; got = this.#socket.recv()) {
      if (got instanceof Failure) {
        if (got.code === 'CLOSED') return;
        continue;
      }
      const { payload, peer } = got;
      if (this.#unread.length >= MAX_UNREAD) continue;
      const addr = this.#names.get(peer.address) ?? peer.address;
      this.#unread.push({ addr, port: peer.port, data: new Uint8Array(payload) });
    }
  }
}

export class DatagramPeer extends Peer {
  readonly #datagrams: Datagrams | null;
  readonly #name: string;
  readonly #where: Where;

  constructor(datagrams: Datagrams | null, name: string, where: Where) {
    super();
    this.#datagrams = datagrams;
    this.#name = name;
    this.#where = where;
    queueMicrotask(() => (datagrams === null ? this.ended(true) : this.opened()));
  }

  send(data: ArrayBuffer | Uint8Array): void {
    const bytes = copied(data);
    if (bytes.length === PORT_MESSAGE_SIZE && PORT_MESSAGE.every((byte, index) => bytes[index] === byte)) return;
    const where = this.#where;
    if ('address' in where) {
      this.#datagrams?.send(bytes, where, this.#name);
      return;
    }
    const { lookup, index } = where;
    const go = (): void => {
      const peer = lookup.result instanceof Failure ? undefined : lookup.result[index];
      if (peer !== undefined) this.#datagrams?.send(bytes, peer, this.#name);
    };
    if (lookup.settled) go();
    else lookup.subscribe(go);
  }

  /** The socket has other peers. */
  protected release(): void {}
}
