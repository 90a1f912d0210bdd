/**
 * A UDP socket of a session: a mailbox of datagrams, and whose verdict to wait for when sending.
 *
 * Which datagrams a connected socket gets is the relay's kernel's business: it drops those of others from connect(2)
 * on and keeps those that were queued before, so a second filter here could only lose some.
 */
import type { Endpoint } from '@luasocket-web/shared/address';
import type { OptionValue } from '@luasocket-web/shared/frames';
import { DATAGRAM_OVERHEAD, DATAGRAM_QUEUE, MAX_DATAGRAM_V4, MAX_DATAGRAM_V6 } from '@luasocket-web/shared/limits';
import type { SocketStatus } from '../api.ts';
import { type Datagram, type DatagramSocket, Failure, type Pending, type Where } from '../core/channel.ts';
import { VIEW_BYTES } from '../core/strings.ts';
import { DONE, failed, Settled } from './pending.ts';
import { SessionSocket, shown, targetOf } from './socket.ts';

/** Peers whose first datagram has passed that are remembered; the oldest goes. Forgetting one costs a round trip. */
const PROVEN_PEERS = 1024;
/** Taken datagrams at the front of the queue before the rest is moved up, so that moving costs little per datagram. */
const COMPACT_DATAGRAMS = 64;

export class SessionDatagramSocket extends SessionSocket implements DatagramSocket {
  readonly kind = 'udp';
  /** What has come and was not taken; those before #head are taken. */
  #queue: (Datagram | null)[] = [];
  #head = 0;
  /** Bytes of payload in the queue, and what they cost with their overhead. */
  #queued = 0;
  #cost = 0;
  #peer: Endpoint | null = null;
  readonly #proven = new Set<string>();
  /** Peers of datagrams on which the relay's verdict is not in. */
  readonly #judged = new Set<string>();
  #received = 0;
  #sent = 0;
  #closed = false;

  get readable(): boolean {
    return this.#head < this.#queue.length || this.error !== null || this.wire.over;
  }

  /** A datagram that finds no room is dropped, so there always is some. */
  get writable(): boolean {
    return true;
  }

  override bind(where: Where): Pending<void> {
    this.#proven.clear();
    return super.bind(where);
  }

  /** An option may change what a send to a peer meets: broadcast, multicast, hops. */
  override setOption(name: string, value: OptionValue): Pending<void> {
    this.#proven.clear();
    return super.setOption(name, value);
  }

  connect(where: Where | null): Pending<void> {
    const target = where && targetOf(where);
    if (target instanceof Failure) return new Settled<void>(target);
    this.#proven.clear();
    if (target !== null) this.autobind();
    this.renamed();
    const before = this.#peer;
    this.#peer = target && 'address' in target ? routed(target) : null;
    return this.request({
      role: 'dependent',
      ask: (request) => ({ type: 'connect', request, socket: this.id, target }),
      read: () => {
        // Now a look-up that was under way is answered: the relay needed its answer before this one.
        const peer = where && targetOf(where);
        this.#peer = peer && 'address' in peer ? routed(peer) : null;
        this.#proven.clear();
      },
      refused: () => {
        this.#peer = before;
      },
    });
  }

  /** udp_recvmsg: the pending error comes before what is queued (__skb_try_recv_datagram). */
  recv(): Datagram | Failure | null {
    const error = this.takeError();
    if (error) return error;
    const next = this.#queue[this.#head];
    if (!next) return this.wire.over ? new Failure('CLOSED') : null;
    this.#queue[this.#head++] = null;
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    } else if (this.#head >= COMPACT_DATAGRAMS && this.#head * 2 >= this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    const cost = next.payload.length + DATAGRAM_OVERHEAD;
    this.#queued -= next.payload.length;
    this.#cost -= cost;
    this.wire.consumed(this.id, cost);
    return next;
  }

  /** udp_sendmsg: the size is looked at before the pending error (__ip_append_data). */
  send(payload: Uint8Array, peer: Endpoint | null): Pending<void> {
    if (payload.length > (this.family === 4 ? MAX_DATAGRAM_V4 : MAX_DATAGRAM_V6)) return failed('EMSGSIZE');
    const error = this.takeError();
    if (error) return new Settled<void>(error);
    if (this.wire.over) return failed('CLOSED');
    const key = peer ? `${peer.port} ${peer.address} ${peer.scope ?? 0}` : '';
    this.#sent += payload.length;
    // The largest always wait for the verdict: to an IPv4 address in IPv6 clothes they are too long after all.
    if (this.#proven.has(key) && payload.length <= MAX_DATAGRAM_V4) {
      this.wire.bulkLimit.sending(this.id, payload.length);
      this.wire.emit({ type: 'datagram', socket: this.id, peer, payload });
      return DONE;
    }
    // While the WebSocket is lost, one datagram to each peer waits for the next, as a kernel keeps one or two while it
    // looks for its neighbour; the others are lost, for datagrams that come late are worth less than none.
    if (!this.wire.attached && this.#judged.has(key)) return DONE;
    this.#judged.add(key);
    this.autobind();
    return this.request({
      role: 'dependent',
      ask: (request) => ({ type: 'sendto', request, socket: this.id, peer, payload }),
      read: () => {
        this.#judged.delete(key);
        this.#prove(key);
      },
      assumed: { value: undefined },
      refused: (failure, late) => {
        this.#judged.delete(key);
        if (late && !this.#closed && !this.wire.over) this.failed(failure);
      },
    });
  }

  peerName(): Endpoint | Failure {
    // inet_getname: port 0 is taken for no peer at all.
    return this.#peer && this.#peer.port !== 0 ? this.#peer : new Failure('ENOTCONN');
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.abandon();
    this.wire.emit({ type: 'close', socket: this.id, consumed: 0 });
    this.wire.release(this.id, true);
    this.#queue = [];
    this.#head = 0;
    this.wire.wake(this);
  }

  snapshot(): SocketStatus {
    return {
      id: this.id,
      kind: 'udp',
      state: this.#peer ? 'connected' : 'unconnected',
      local: shown(this.local),
      peer: shown(this.#peer),
      received: this.#received,
      sent: this.#sent,
      queued: this.#queued,
    };
  }

  /** DATAGRAM, already counted against the credit. The newest is dropped when the queue is full, as by a kernel. */
  datagram(peer: Endpoint, payload: Uint8Array): void {
    const cost = payload.length + DATAGRAM_OVERHEAD;
    if (this.#cost + cost > DATAGRAM_QUEUE) {
      this.wire.consumed(this.id, cost);
      return;
    }
    this.#cost += cost;
    // A program may transfer the buffer of a large one (keepsLittle), in which there may be others.
    this.#queue.push({ payload: payload.length < VIEW_BYTES ? payload : payload.slice(), peer });
    this.#queued += payload.length;
    this.#received += payload.length;
    this.wire.wake(this);
  }

  /** ERROR: a pending error. What was proven is so no longer. */
  failed(failure: Failure): void {
    this.error = failure;
    this.#proven.clear();
    this.wire.wake(this);
  }

  lose(): void {
    this.wire.wake(this);
  }

  #prove(key: string): void {
    if (this.#proven.size >= PROVEN_PEERS) {
      const [oldest] = this.#proven;
      if (oldest !== undefined) this.#proven.delete(oldest);
    }
    this.#proven.add(key);
  }
}

/** Connecting to the wildcard address connects to this host (ip_route_output_key_hash). */
function routed(peer: Endpoint): Endpoint {
  if (peer.address === '0.0.0.0') return { ...peer, address: '127.0.0.1' };
  return peer.address === '::' ? { ...peer, address: '::1' } : peer;
}
