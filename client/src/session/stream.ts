/**
 * A TCP socket of a session, as Linux has them. Two state machines run beside each other, as in its
 * net/ipv4/af_inet.c: `struct socket` (has connect(2) told of success?) and the TCP state. All answers of recv, send,
 * connect, poll and getpeername follow from them; docs name the kernel's function where the rule is not obvious.
 */
import type { Endpoint, Family } from '@luasocket-web/shared/address';
import { ProtocolError } from '@luasocket-web/shared/errors';
import { HOW } from '@luasocket-web/shared/frames';
import type { SocketStatus } from '../api.ts';
import { END, Failure, type Pending, type Stream, type Where } from '../core/channel.ts';
import { ByteQueue } from './byte-queue.ts';
import type { Call } from './held.ts';
import { failed, Settled } from './pending.ts';
import { readEndpoint, readNothing } from './requests.ts';
import { SessionSocket, shown, targetOf } from './socket.ts';
import type { Wire } from './wire.ts';

/** SS_UNCONNECTED and so on; `connecting` lasts until a connect(2) has told the outcome. */
type Attempt = 'unconnected' | 'connecting' | 'connected' | 'disconnecting';
/** TCP_CLOSE, TCP_SYN_SENT, TCP_ESTABLISHED and the half-closed states after it, TCP_LISTEN. */
type Phase = 'close' | 'syn-sent' | 'established' | 'listen';

export class SessionStream extends SessionSocket implements Stream {
  readonly kind = 'tcp';
  #attempt: Attempt = 'unconnected';
  #phase: Phase = 'close';
  #stood = false;
  #peer: Endpoint | null = null;
  /** SOCK_DONE: the peer's FIN has come. */
  #ended = false;
  /** sk_shutdown. */
  #receiveShut = false;
  #sendShut = false;
  /** The attempt under way was given up by shutdown; the relay's word on it is still to come. */
  #forsaken = false;
  readonly #queue = new ByteQueue();
  #sent = 0;
  #consumed = 0;
  /** Connections that no accept has taken yet, when listening. */
  readonly #backlog: SessionStream[] = [];
  /** Whether it holds a descriptor of the program: all but those in a backlog. */
  #claimed: boolean;
  #closed = false;
  /** The relay knows it no more. */
  #released = false;

  constructor(id: number, family: Family, wire: Wire, accepted: { local: Endpoint; peer: Endpoint } | null) {
    super(id, family, wire, accepted?.local ?? null);
    this.#claimed = accepted === null;
    if (!accepted) return;
    this.#attempt = 'connected';
    this.#phase = 'established';
    this.#stood = true;
    this.#peer = accepted.peer;
  }

  // --- what the program asks

  get established(): boolean {
    return this.#stood;
  }

  /** tcp_poll: POLLIN, POLLHUP or POLLERR. A socket that is not connected hangs up. */
  get readable(): boolean {
    if (this.error !== null || this.#phase === 'close') return true;
    if (this.#phase === 'listen') return this.#backlog.length > 0;
    return this.#phase === 'established' && (this.#queue.length > 0 || this.#receiveShut);
  }

  /** tcp_poll: POLLOUT or POLLERR. There is room when a third is free (sk_stream_min_wspace), so nobody sends in crumbs. */
  get writable(): boolean {
    if (this.error !== null || this.#phase === 'close') return true;
    if (this.#phase !== 'established') return false;
    const { upload, bulkLimit } = this.wire;
    const room = bulkLimit.allowance(this.id);
    if (this.#sendShut || (room > 0 && room * 2 >= upload.outstandingOf(this.id))) return true;
    this.wire.starved(this);
    return false;
  }

  /** __inet_stream_connect. */
  connect(where: Where): Pending<'started' | 'done'> {
    if (this.wire.over) return failed('CLOSED');
    switch (this.#attempt) {
      case 'disconnecting':
        return failed('EINVAL');
      case 'connected':
        return failed('EISCONN');
      case 'connecting':
        if (this.#phase === 'syn-sent') return failed('EALREADY');
        if (this.#phase === 'close') {
          const failure = this.takeError() ?? new Failure('ECONNABORTED');
          this.#disconnect();
          return new Settled<'done'>(failure);
        }
        this.#attempt = 'connected';
        return new Settled<'done'>('done');
      case 'unconnected':
        return this.#phase === 'close' ? this.#begin(where) : failed('EISCONN');
    }
  }

  /** inet_listen. */
  listen(backlog: number): Pending<void> {
    if (this.#attempt !== 'unconnected') return failed('EINVAL');
    this.autobind();
    this.renamed();
    const before = this.#phase;
    this.#phase = 'listen';
    // Not held back behind a bind: a program may connect to its own server in the next line.
    return this.request({
      role: 'other',
      ask: (request) => ({ type: 'listen', request, socket: this.id, backlog }),
      read: readNothing,
      refused: () => {
        if (this.#backlog.length === 0 && this.#phase === 'listen') this.#phase = before;
      },
    });
  }

  accept(): Stream | Failure | null {
    const next = this.#backlog[0];
    if (!next) {
      if (this.wire.over) return new Failure('CLOSED');
      return this.#phase === 'listen' ? null : new Failure('EINVAL');
    }
    if (!this.wire.claim()) return new Failure('EMFILE');
    this.#backlog.shift();
    next.#claimed = true;
    this.wire.emit({ type: 'accept', socket: next.id });
    return next;
  }

  get available(): number {
    return this.#queue.length;
  }

  /** tcp_recvmsg: data, the end, the error, the shutdown, in this order. */
  recv(max: number): Uint8Array | typeof END | Failure | null {
    if (this.#phase === 'listen') return new Failure('ENOTCONN');
    const bytes = this.#queue.take(max);
    if (bytes) {
      this.#consumed += bytes.length;
      this.wire.consumed(this.id, bytes.length);
      return bytes;
    }
    if (this.#ended) return END;
    if (this.error) return this.takeError();
    if (this.#receiveShut) return END;
    return this.#phase === 'close' ? new Failure('ENOTCONN') : null;
  }

  /** tcp_sendmsg; sk_stream_error turns EPIPE into the pending error where there is one. */
  send(data: Uint8Array, from: number, to: number): number | Failure {
    if (this.#phase === 'syn-sent') return 0;
    if (this.#phase !== 'established' || this.#sendShut) return this.takeError() ?? new Failure('EPIPE');
    const wanted = to - from;
    const bytes = Math.min(wanted, this.wire.bulkLimit.allowance(this.id));
    if (bytes < wanted) this.wire.starved(this);
    if (bytes <= 0) return 0;
    // Not `bytes`: a part of something large is nothing small.
    this.wire.bulkLimit.sending(this.id, data.length);
    this.wire.upload.spend(this.id, bytes);
    this.#sent += bytes;
    this.wire.data(this.id, data.subarray(from, from + bytes));
    return bytes;
  }

  /** inet_shutdown. On a socket that is not connected it only leaves its mark on what comes later. */
  shutdown(how: 'receive' | 'send' | 'both'): void {
    if (this.#phase === 'listen') return;
    if (this.#phase === 'syn-sent') {
      this.#forsake(how);
      return;
    }
    if (this.#attempt === 'connecting') this.#attempt = this.#phase === 'close' ? 'disconnecting' : 'connected';
    const both = this.#sendShut && this.#receiveShut;
    this.#receiveShut ||= how !== 'send';
    this.#sendShut ||= how !== 'receive';
    // Receiving alone is shut without the relay, which has to know when both directions are: it resets what comes then.
    if (this.#phase === 'established' && this.#sendShut && !both) {
      this.wire.emit({ type: 'shutdown', socket: this.id, how: HOW[this.#receiveShut ? 'both' : 'send'] });
      if (this.#ended) this.#phase = 'close';
    }
    this.wire.wake(this);
  }

  /** Then LISTEN, if it was sent already, has made it listen on a port that nobody asked for. */
  protected override bindRefused(): void {
    if (this.#phase !== 'listen') return;
    this.#phase = 'close';
    this.#release();
  }

  protected override request<T>(call: Call<T>): Pending<T> {
    return this.#released ? failed('EINVAL') : super.request(call);
  }

  /** inet_getname: known from the handshake until the connection is gone. */
  peerName(): Endpoint | Failure {
    return this.#phase === 'established' && this.#peer ? this.#peer : new Failure('ENOTCONN');
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.abandon();
    this.#release();
    this.#queue.clear();
    this.wire.wake(this);
  }

  snapshot(): SocketStatus {
    return {
      id: this.id,
      kind: 'tcp',
      state: this.#status(),
      local: shown(this.local),
      peer: shown(this.#peer),
      received: this.#consumed + this.#queue.length,
      sent: this.#sent,
      queued: this.#queue.length,
    };
  }

  // --- what the relay tells

  /** CONNECTED. */
  connected(local: Endpoint, peer: Endpoint): void {
    if (this.#forsaken) return;
    if (this.#phase !== 'syn-sent') throw unexpected('CONNECTED', this.id);
    this.#phase = 'established';
    this.#stood = true;
    this.#peer = peer;
    this.renamed(local);
    this.wire.wake(this);
  }

  /** ACCEPTED, on the listening socket. */
  accepted(stream: SessionStream): void {
    if (this.#phase !== 'listen') throw unexpected('ACCEPTED', this.id);
    this.#backlog.push(stream);
    this.wire.wake(this);
  }

  /** DATA, already counted against the credit. */
  data(payload: Uint8Array): void {
    if (this.#forsaken) {
      this.wire.consumed(this.id, payload.length);
      return;
    }
    if (this.#phase !== 'established' || this.#ended) throw unexpected('DATA', this.id);
    this.#queue.push(payload);
    this.wire.wake(this);
  }

  /** END: the peer's FIN. */
  end(): void {
    if (this.#forsaken) return;
    if (this.#phase !== 'established' || this.#ended) throw unexpected('END', this.id);
    this.#ended = true;
    this.#receiveShut = true;
    // Both FINs have crossed.
    if (this.#sendShut) this.#phase = 'close';
    this.wire.wake(this);
  }

  /** ERROR: a failed attempt, or the end of the connection in both directions (tcp_reset). */
  failed(failure: Failure): void {
    if (this.#forsaken) return;
    if (this.#phase === 'close') {
      // Nothing can go wrong any more where both FINs have crossed.
      if (this.#ended) return;
      throw unexpected('ERROR', this.id);
    }
    this.error = failure;
    if (this.#phase !== 'listen') this.#gone();
    this.wire.wake(this);
  }

  lose(): void {
    if (this.#phase === 'syn-sent') this.error = new Failure('CLOSED');
    else if (this.#stood) this.#ended = true;
    this.#gone();
    this.wire.wake(this);
  }

  // --- inside

  /** Closes it at the relay. */
  #release(): void {
    if (this.#released) return;
    this.#released = true;
    for (const waiting of this.#backlog.splice(0)) waiting.close();
    this.wire.emit({ type: 'close', socket: this.id, consumed: this.#consumed });
    this.wire.release(this.id, this.#claimed);
  }

  #status(): SocketStatus['state'] {
    switch (this.#phase) {
      case 'listen':
        return 'listening';
      case 'syn-sent':
        return 'connecting';
      case 'established':
        return this.#ended || this.#sendShut ? 'half-closed' : 'established';
      case 'close':
        return this.#stood ? 'closed' : 'fresh';
    }
  }

  #begin(where: Where): Pending<'started'> {
    const target = targetOf(where);
    if (target instanceof Failure) return new Settled<'started'>(target);
    this.#attempt = 'connecting';
    this.#phase = 'syn-sent';
    this.renamed();
    return this.request({
      role: 'dependent',
      ask: (request) => ({ type: 'connect', request, socket: this.id, target }),
      read: (value) => {
        const local = readEndpoint(value);
        this.#forsaken = false;
        if (this.#phase === 'syn-sent') this.renamed(local);
        return 'started';
      },
      // It may take a while to begin; that is part of the attempt, for which a program sets its limit.
      assumed: { value: 'started' },
      refused: (failure, late) => {
        if (this.wire.over) return;
        if (late) {
          if (this.#phase === 'syn-sent') this.failed(failure);
          return;
        }
        // It could not even begin: no error is pending, and the socket is as before.
        this.#attempt = 'unconnected';
        this.#phase = 'close';
        this.renamed();
        this.wire.wake(this);
      },
    });
  }

  /** tcp_disconnect, when connect(2) has told why an earlier attempt failed: the socket is fresh again. */
  #disconnect(): void {
    this.#attempt = 'unconnected';
    this.#ended = false;
    this.#receiveShut = false;
    this.#sendShut = false;
    this.#stood = false;
    this.#peer = null;
    const lost = this.#queue.length;
    if (lost > 0) {
      this.#queue.clear();
      this.#consumed += lost;
      this.wire.consumed(this.id, lost);
    }
    this.renamed(null, true);
  }

  /** Shutdown while connecting (TCP_SYN_SENT) gives the attempt up and leaves ECONNRESET pending. */
  #forsake(how: 'receive' | 'send' | 'both'): void {
    this.wire.emit({ type: 'shutdown', socket: this.id, how: HOW[how] });
    this.#disconnect();
    this.#phase = 'close';
    this.#forsaken = true;
    this.error = new Failure('ECONNRESET');
    this.wire.wake(this);
  }

  /** tcp_done. */
  #gone(): void {
    this.#phase = 'close';
    this.#receiveShut = true;
    this.#sendShut = true;
  }
}

function unexpected(frame: string, socket: number): ProtocolError {
  return new ProtocolError('unexpected', `${frame} for socket ${socket} in a state that does not allow it`);
}
