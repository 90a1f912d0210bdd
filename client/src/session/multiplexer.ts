/**
 * Many sockets over one stream of frames: it keeps the mailboxes, numbers requests, and accounts for credit. It is
 * driven by `deliver` and speaks to an `Outbox`: it knows no WebSocket, clock, timer or Promise, so it can live in a
 * thread that blocks while another one moves the messages.
 */
import { type Endpoint, EndpointCache, type Family } from '@luasocket-web/shared/address';
import { BulkLimit, type Route } from '@luasocket-web/shared/bulk-limit';
import { decodeFrames, encodeData, encodeFrame } from '@luasocket-web/shared/codec';
import { readDenial } from '@luasocket-web/shared/denial';
import { ProtocolError } from '@luasocket-web/shared/errors';
import { SendPool } from '@luasocket-web/shared/flow';
import {
  type ClientFrame,
  FIRST_RELAY_SOCKET,
  FRAMES,
  type Frame,
  type FrameName,
  KIND,
} from '@luasocket-web/shared/frames';
import { DATAGRAM_OVERHEAD } from '@luasocket-web/shared/limits';
import type { SocketStatus } from '../api.ts';
import { Failure, type Pending } from '../core/channel.ts';
import { type Signal, Wakes } from '../core/signal.ts';
import { Bulk } from './bulk.ts';
import { SessionDatagramSocket } from './datagram.ts';
import { Download } from './download.ts';
import { LARGE_BYTES } from './frame-memory.ts';
import { Leases } from './leases.ts';
import { DONE, failed } from './pending.ts';
import { failureOf, type Reader, Requests } from './requests.ts';
import { Sending } from './sending.ts';
import { SessionStream } from './stream.ts';
import type { SessionTap } from './tap.ts';
import type { Ask, Outbox, Path, Starved, Wire } from './wire.ts';

/** The relay's terms, from WELCOME. */
export interface Terms {
  /** Sockets at once. */
  readonly sockets: number;
  /** Bytes of the credit pools: client to relay, relay to client. */
  readonly upload: number;
  readonly download: number;
}

type SessionMember = SessionStream | SessionDatagramSocket;

export class Multiplexer implements Wire {
  readonly upload: SendPool;
  readonly bulkLimit: BulkLimit;
  readonly #download: Download;
  readonly #terms: Terms;
  readonly #outbox: Outbox;
  readonly #tap: SessionTap;
  /** Null: none were asked for. */
  readonly #leases: Leases | null;
  readonly #requests = new Requests();
  readonly #sockets = new Map<number, SessionMember>();
  readonly #wakes = new Wakes();
  readonly #endpoints = new EndpointCache();
  readonly #sending: Sending;
  readonly #bulk: Bulk;
  /** Streams that wait for credit. */
  readonly #starved = new Set<Starved>();
  /** Descriptors in use. */
  #claimed = 0;
  #lastSocket = 0;
  #lastAccepted = FIRST_RELAY_SOCKET - 1;
  #over = false;
  #attached = true;
  /** Frames so far that may have an effect on other sockets; and how many of them an answered barrier came after. */
  #effects = 0;
  #fenced = 0;

  /**
   * `leases`: how many ephemeral ports HELLO asked for. `path`: to measure how much credit the relay should have; null:
   * it stays what the terms say.
   */
  constructor(terms: Terms, outbox: Outbox, tap: SessionTap, leases = 0, path: Path | null = null) {
    this.#terms = terms;
    this.#outbox = outbox;
    this.#tap = tap;
    this.#leases = leases > 0 ? new Leases(leases) : null;
    this.upload = new SendPool(terms.upload);
    const route: Route = {
      now: () => (path?.now() ?? 0) * 1000,
      // 0 is as near as a coarse clock can tell.
      roundtrip: () => (path?.roundtrip == null ? null : path.roundtrip * 1000),
    };
    this.bulkLimit = new BulkLimit(this.upload, route);
    this.#sending = new Sending(outbox, tap);
    this.#bulk = new Bulk({
      outbox,
      emit: (frame) => this.emit(frame),
      ready: (frame, bytes) => this.#sending.add({ frame, bytes }),
    });
    this.#download = new Download(terms.download, route, (frame) => this.emit(frame));
  }

  // --- what the channel asks

  tcp(family: Family): SessionStream | Failure {
    const id = this.#open(KIND.tcp, family);
    if (id instanceof Failure) return id;
    const stream = new SessionStream(id, family, this, null);
    this.#sockets.set(id, stream);
    return stream;
  }

  udp(family: Family): SessionDatagramSocket | Failure {
    const id = this.#open(KIND.udp, family);
    if (id instanceof Failure) return id;
    const socket = new SessionDatagramSocket(id, family, this, null);
    this.#sockets.set(id, socket);
    return socket;
  }

  /**
   * Settles when all has come that the relay's kernel had: its BARRIER. While the WebSocket is lost nobody can say, and
   * who asks has waited for long enough: what is here is all there is.
   */
  barrier(): Pending<void> {
    if (!this.#attached && !this.#over) return DONE;
    const effects = this.#effects;
    const read = () => {
      this.#fenced = Math.max(this.#fenced, effects);
    };
    // Of what a kernel had when the WebSocket was lost, nothing more will come for now.
    return this.request((request) => ({ type: 'barrier', request }), { read, assumed: { value: undefined } });
  }

  /** Whether something was sent since the last answered barrier that may have an effect on other sockets. */
  get unfenced(): boolean {
    return this.#effects > this.#fenced;
  }

  // --- what the connection tells

  /** Takes in one message of the relay. What is wrong with it goes to the outbox as a fault; nothing is thrown. */
  deliver(message: Uint8Array): void {
    try {
      this.take(decodeFrames(message, 'relay', this.#endpoints));
    } catch (error) {
      this.#fault(error);
    }
  }

  /** The same for a message that is decoded already. Frames of the link are passed over. */
  take(frames: readonly Frame[]): void {
    if (this.#over) return;
    this.#bulk.heard();
    this.#wakes.after(() => {
      try {
        for (const frame of frames) this.#frame(frame);
      } catch (error) {
        this.#fault(error);
      }
    });
  }

  /** The WebSocket was lost, and another is sought: nobody waits for answers longer than for the outcome of a call. */
  detach(): void {
    this.#bulk.flush();
    this.#attached = false;
    this.#wakes.after(() => {
      for (const request of this.#requests.waiveAll()) this.#wakes.add(request);
    });
  }

  /** The session goes on over another WebSocket. */
  attach(): void {
    this.#attached = true;
  }

  /** The session has ended: what waits is answered CLOSED, and sockets give what they have and then the end. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#bulk.clear();
    this.#sending.clear();
    this.#starved.clear();
    this.#wakes.after(() => {
      for (const socket of this.#sockets.values()) socket.lose();
      for (const request of this.#requests.failAll(new Failure('CLOSED'))) this.#wakes.add(request);
    });
  }

  /** Closes every socket in good order, and tells who waits on one; then there is only `end`. */
  closeAll(): void {
    for (const socket of [...this.#sockets.values()]) {
      socket.close();
      socket.lose();
    }
  }

  // --- what an inspector asks

  /** Sockets that are open. */
  get size(): number {
    return this.#sockets.size;
  }

  snapshots(): SocketStatus[] {
    return [...this.#sockets.values()].map((socket) => socket.snapshot());
  }

  // --- what the sockets ask (Wire)

  get over(): boolean {
    return this.#over;
  }

  get attached(): boolean {
    return this.#attached;
  }

  data(socket: number, bytes: Uint8Array): void {
    if (this.#over) return;
    this.#effects++;
    this.#bulk.send(socket, bytes);
  }

  emit(frame: ClientFrame): void {
    if (this.#over) return;
    if (frame.type !== 'data' && frame.type !== 'credit') this.#bulk.flush();
    if (EFFECTIVE.has(frame.type)) this.#effects++;
    this.#sending.add({ frame, bytes: this.#encode(frame) });
  }

  request<T>(ask: Ask, reader: Reader<T>): Pending<T> {
    if (this.#over) return failed('CLOSED');
    const request = this.#requests.begin(reader);
    this.emit(ask(request.number));
    if (!this.#attached) request.waive();
    return request;
  }

  wake(signal: Signal): void {
    this.#wakes.add(signal);
  }

  consumed(socket: number, bytes: number): void {
    if (!this.#over) this.#download.consumed(socket, bytes);
  }

  starved(stream: Starved): void {
    if (!this.#over) this.#starved.add(stream);
  }

  lease(kind: 'tcp' | 'udp', family: Family): number | null {
    return this.#leases?.take(kind, family) ?? null;
  }

  claim(): boolean {
    if (this.#claimed >= this.#terms.sockets) return false;
    this.#claimed++;
    return true;
  }

  release(socket: number, claimed: boolean): void {
    const member = this.#sockets.get(socket);
    if (!member) return;
    this.#sockets.delete(socket);
    this.#starved.delete(member);
    if (claimed) this.#claimed--;
    this.#download.close(socket);
    this.upload.close(socket);
    this.#feed();
  }

  // --- inside

  #open(kind: number, family: Family): number | Failure {
    if (this.#over) return new Failure('CLOSED');
    if (!this.claim()) return new Failure('EMFILE');
    const socket = ++this.#lastSocket;
    this.emit({ type: 'open', socket, kind, family });
    return socket;
  }

  #encode(frame: ClientFrame): Uint8Array {
    if (frame.type !== 'data' || frame.payload.length <= LARGE_BYTES) return encodeFrame(frame);
    return encodeData(frame, (bytes) => this.#outbox.room(bytes));
  }

  /** A request was answered. */
  #answered(request: Signal): void {
    this.#wakes.add(request);
    this.#sending.answered();
  }

  #frame(frame: Frame): void {
    if (this.#over) return;
    if (this.#tap.listening && FRAMES[frame.type].code >= FIRST_SESSION_FRAME) this.#tap.frame('received', frame);
    switch (frame.type) {
      case 'reply':
        this.#answered(this.#requests.reply(frame.request, frame.value));
        return;
      case 'fail':
        this.#explained(frame.error, frame.detail);
        this.#answered(this.#requests.fail(frame.request, failureOf(frame.error, frame.detail)));
        return;
      case 'data': {
        const stream = this.#stream(frame.socket);
        if (!stream) return;
        this.#download.received(frame.socket, frame.payload.length, 'stream');
        stream.data(frame.payload);
        return;
      }
      case 'datagram': {
        const socket = this.#member(frame.socket);
        if (!socket) return;
        if (socket.kind !== 'udp' || !frame.peer) throw wrongKind(frame.type, frame.socket);
        this.#download.received(frame.socket, frame.payload.length + DATAGRAM_OVERHEAD, 'datagram');
        socket.datagram(frame.peer, frame.payload);
        return;
      }
      case 'credit':
        if (!this.#stream(frame.socket)) return;
        this.upload.giveBack(frame.socket, frame.bytes, 'stream');
        this.bulkLimit.credited(frame.socket, frame.bytes);
        this.#feed();
        return;
      case 'pool':
        this.upload.grow(frame.bytes);
        this.#feed();
        return;
      case 'connected':
        this.#stream(frame.socket)?.connected(frame.local, frame.peer);
        return;
      case 'accepted':
        this.#accepted(frame.listener, frame.socket, frame.local, frame.peer);
        return;
      case 'end':
        this.#stream(frame.socket)?.end();
        return;
      case 'error':
        this.#explained(frame.error, frame.detail);
        this.#member(frame.socket)?.failed(failureOf(frame.error, frame.detail));
        return;
      case 'lease':
        if (!this.#leases) throw new ProtocolError('unexpected', 'a LEASE that nobody asked for');
        this.#leases.granted(frame.kind === KIND.tcp ? 'tcp' : 'udp', frame.family === 6 ? 6 : 4, frame.port);
        return;
    }
  }

  /** A relay in development mode says why it has denied something. */
  #explained(error: string, detail: string | null): void {
    const denial = error === 'EACCES' && detail !== null ? readDenial(detail) : null;
    if (denial) this.#tap.denied(denial);
  }

  #accepted(listener: number, socket: number, local: Endpoint, peer: Endpoint): void {
    if (socket <= this.#lastAccepted) throw new ProtocolError('socket_in_use', `ACCEPTED with the old id ${socket}`);
    const server = this.#stream(listener);
    this.#lastAccepted = socket;
    // The listener was closed meanwhile, and this connection with it.
    if (!server) return;
    const stream = new SessionStream(socket, local.family, this, { local, peer });
    server.accepted(stream);
    this.#sockets.set(socket, stream);
  }

  /** The stream with this id; null when it was closed here, so that the frame has crossed the CLOSE on its way. */
  #stream(id: number): SessionStream | null {
    const member = this.#member(id);
    if (member && member.kind !== 'tcp') throw wrongKind('a frame of a stream', id);
    return member;
  }

  #member(id: number): SessionMember | null {
    const member = this.#sockets.get(id);
    if (member) return member;
    const last = id < FIRST_RELAY_SOCKET ? this.#lastSocket : this.#lastAccepted;
    if (id > last || id === 0) throw new ProtocolError('unknown_socket', `socket ${id} was never in use`);
    return null;
  }

  /** There may be credit for streams that had none. */
  #feed(): void {
    // A copy, for who is woken may find too little and be starved again.
    for (const stream of [...this.#starved]) {
      this.#starved.delete(stream);
      // Else it is starved again.
      if (!stream.writable) continue;
      this.#wakes.add(stream);
    }
  }

  #fault(error: unknown): void {
    if (!(error instanceof ProtocolError)) throw error;
    this.#outbox.fault(error);
  }
}

/** What, beside DATA, may have an effect on another socket of this session. */
const EFFECTIVE: ReadonlySet<FrameName> = new Set(['datagram', 'sendto', 'connect', 'shutdown', 'close']);

/** Lower numbers are the link's (PROTOCOL.md, section 2). */
const FIRST_SESSION_FRAME = 16;

function wrongKind(what: string, socket: number): ProtocolError {
  return new ProtocolError('wrong_kind', `${what} for socket ${socket}`);
}
