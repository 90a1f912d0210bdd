/**
 * TCP sockets through Node alone, for machines where the system calls cannot be had (no koffi, Windows): binding,
 * connecting, listening and moving data work; of the options only those that Node offers, the rest is refused.
 */
import type { Endpoint, Family } from '@luasocket-web/shared/address';
import type { OptionValue } from '@luasocket-web/shared/frames';
import { endpointOf, nowhere } from './endpoint.ts';
import { optionFailure } from './failure.ts';
import { boundHandle, type Handle, handleName } from './handle.ts';
import { TcpListener } from './listener.ts';
import { SystemFailure, type TcpSink, type TcpSocket } from './socket.ts';
import { TcpStream } from './stream.ts';

export class PortableTcpSocket implements TcpSocket {
  readonly kind = 'tcp';
  readonly family: Family;
  readonly #readBuffer: Uint8Array;
  #sink: TcpSink | null;
  /** Bound, and not yet used by an attempt or a listener. */
  #handle: Handle | null = null;
  /** The address the program has bound, or the one it last went out from. */
  #local: Endpoint | null;
  #bound = false;
  #stream: TcpStream | null;
  #listener: TcpListener | null = null;
  #closed = false;
  /** Options that Node sets on a connection only. */
  readonly #options = new Map<string, boolean>();

  constructor(
    family: Family,
    readBuffer: Uint8Array,
    sink: TcpSink | null,
    accepted: { stream: TcpStream; local: Endpoint } | null = null,
  ) {
    this.family = family;
    this.#readBuffer = readBuffer;
    this.#sink = sink;
    this.#stream = accepted?.stream ?? null;
    this.#local = accepted?.local ?? null;
  }

  get received(): number {
    return this.#stream?.received ?? 0;
  }

  adopt(sink: TcpSink): void {
    this.#sink = sink;
    if (this.#stream !== null) this.#listen(this.#stream, sink, nowhere(this.family));
  }

  bind(local: Endpoint): void {
    this.#mustBeOpen();
    if (this.#bound || this.#stream !== null || this.#listener !== null) throw new SystemFailure('EINVAL');
    if (local.family !== this.family) throw new SystemFailure('EAFNOSUPPORT');
    this.#handle = boundHandle(local);
    this.#local = handleName(this.#handle);
    this.#bound = true;
  }

  connect(peer: Endpoint): Endpoint {
    this.#mustBeOpen();
    if (this.#stream !== null) throw new SystemFailure(this.#stream.open ? 'EISCONN' : 'EALREADY');
    if (this.#listener !== null) throw new SystemFailure('EISCONN');
    if (peer.family !== this.family) throw new SystemFailure('EAFNOSUPPORT');
    // A failed attempt has cost Node the handle; the binding is made anew.
    const handle = this.#handle ?? (this.#bound && this.#local !== null ? boundHandle(this.#local) : null);
    this.#handle = null;
    const stream = new TcpStream(null, handle === null ? null : { handle }, this.#readBuffer, null);
    if (this.#sink !== null) this.#listen(stream, this.#sink, peer);
    stream.connect(peer);
    this.#stream = stream;
    for (const [name, value] of this.#options) applyOption(stream, name, value);
    const { localAddress, localPort } = stream.node;
    if (localAddress !== undefined) this.#local = endpointOf(null, localAddress, localPort ?? 0);
    return this.localName();
  }

  giveUp(): void {
    this.#stream?.giveUp();
  }

  listen(backlog: number): void {
    this.#mustBeOpen();
    if (this.#stream !== null) throw new SystemFailure('EINVAL');
    if (this.#listener !== null) return;
    if (this.#handle === null) this.bind(this.#local ?? nowhere(this.family));
    const handle = this.#handle;
    if (handle === null) throw new SystemFailure('EINVAL');
    const listener = new TcpListener(null, this.family, this.#readBuffer, (stream, local, peer) => {
      this.#sink?.accepted(new PortableTcpSocket(this.family, this.#readBuffer, null, { stream, local }), local, peer);
    });
    this.#handle = null;
    listener.listenHandle(handle, backlog);
    this.#listener = listener;
  }

  taken(): void {
    this.#listener?.taken();
  }

  write(payload: Uint8Array): boolean {
    return this.#stream?.write(payload) ?? true;
  }

  shutdown(how: 'receive' | 'send' | 'both'): void {
    if (how !== 'receive') this.#stream?.end(how === 'both');
  }

  pause(): void {
    this.#stream?.pause();
  }

  resume(): void {
    this.#stream?.resume();
  }

  close(reset: boolean, gone?: () => void): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stream?.close(reset, gone);
    this.#listener?.close();
    this.#handle?.close();
    this.#handle = null;
  }

  setOption(name: string, value: OptionValue): void {
    if (this.#closed || typeof value !== 'boolean') throw optionFailure('SETSOCKOPT');
    if (name !== 'tcp-nodelay' && name !== 'keepalive') throw optionFailure('SETSOCKOPT');
    this.#options.set(name, value);
    if (this.#stream !== null) applyOption(this.#stream, name, value);
  }

  getOption(): OptionValue {
    throw optionFailure('GETSOCKOPT');
  }

  localName(): Endpoint {
    this.#mustBeOpen();
    return this.#local ?? nowhere(this.family);
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new SystemFailure('EBADF');
  }

  #listen(stream: TcpStream, sink: TcpSink, peer: Endpoint): void {
    stream.events = {
      buffers: sink.buffers,
      opened: () => sink.connected(this.localName(), peer),
      failed: (failure) => {
        if (!stream.open) {
          this.#stream = null;
          if (!this.#bound) this.#local = null;
        }
        sink.error(failure);
      },
      data: (payload) => sink.data(payload),
      end: () => sink.end(),
      drained: (bytes) => sink.drained(bytes),
    };
  }
}

function applyOption(stream: TcpStream, name: string, value: boolean): void {
  if (name === 'tcp-nodelay') stream.node.setNoDelay(value);
  else stream.node.setKeepAlive(value);
}
