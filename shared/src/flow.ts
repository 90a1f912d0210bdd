/**
 * Credit: how much each end may send before the other has taken it (PROTOCOL.md, section 5). One pool per direction,
 * shared by all sockets of a session. Pure accounting: it holds no data and knows no frame.
 *
 * Sharing follows Choudhury and Hahne's dynamic thresholds ("Dynamic queue length thresholds for shared-memory packet
 * switches", 1998): a stream may hold ALPHA times what is left of the pool. One busy stream gets 4/5 of it, n busy
 * streams 4/(4n+1) each, and something is always left for a stream that wakes up. A stalled stream keeps what it holds
 * and nothing more. Under all that, each stream may have STREAM_RESERVE outstanding whatever the pool holds.
 */
import { ProtocolError } from './errors.ts';
import { POOL_MAX, STREAM_RESERVE } from './limits.ts';

/** A stream may hold this many times what is left of the pool. */
const ALPHA = 4;
/** The part of what nobody else holds that a stream may hold. */
export const SHARE = ALPHA / (ALPHA + 1);
/** The pool grants no fewer bytes at once: smaller frames are not worth their cost (the silly window, RFC 1122 4.2.3.4). */
const QUANTUM = STREAM_RESERVE;
/** The receiver gives back what is this part of the pool, whatever else it holds. */
const TELL_FRACTION = 8;
/** Fewer bytes of one socket are not worth a CREDIT. Below STREAM_RESERVE, or a sender could wait for them for ever. */
const TELL_BYTES = STREAM_RESERVE / 2;
/**
 * While less than this part of the first pool, and less than so many bytes, is outstanding nobody waits for credit: whoever does has
 * a reserve outstanding, and of a pool that is larger than four of those nearly ALPHA / (ALPHA + 1) is; or, where the sender limits
 * bulk (bulk-limit.ts) and waits until it may send half as much as is outstanding, two thirds of what a stream may have then. The
 * first pool, for a sender need not follow POOL.
 */
const IDLE_FRACTION = 4;
const IDLE_BYTES = 48 * 1024;
/** Then as much as this is told late, over all sockets: an echo of 64 bytes needs no CREDIT for every eighth message. */
export const LATE_BYTES = 16 * 1024;

/** Streams keep exact accounts; datagrams may be lost with a WebSocket, so theirs are lenient. */
export type FlowKind = 'stream' | 'datagram';

/** What we may send. Bytes, throughout; datagrams cost their payload + DATAGRAM_OVERHEAD. */
export class SendPool {
  #pool: number;
  #outstanding = 0;
  readonly #bySocket = new Map<number, number>();

  /** `pool`: the size that WELCOME tells. */
  constructor(pool: number) {
    this.#pool = pool;
  }

  /** How much may be outstanding now: what WELCOME told, and what POOL has added. */
  get size(): number {
    return this.#pool;
  }

  /** Sent and not given back, over all sockets. At most the pool + STREAM_RESERVE for each socket. */
  get outstanding(): number {
    return this.#outstanding;
  }

  outstandingOf(socket: number): number {
    return this.#bySocket.get(socket) ?? 0;
  }

  /** The same, over all sockets but these. */
  outstandingBut(sockets: ReadonlySet<number>): number {
    let bytes = 0;
    for (const [socket, own] of this.#bySocket) if (!sockets.has(socket)) bytes += own;
    return bytes;
  }

  /**
   * How many bytes may be sent on `socket` now. Never 0 for a socket that has nothing outstanding, so whoever waits
   * for credit has some that is still to come back.
   */
  allowance(socket: number): number {
    const own = this.outstandingOf(socket);
    const share = this.#share(own);
    return share < QUANTUM ? reserve(own) : Math.max(share, reserve(own));
  }

  /**
   * `bytes` are being sent: an allowance, or a part of one.
   * @throws ProtocolError `internal` when that is more than was allowed, which is a defect of the caller.
   */
  spend(socket: number, bytes: number): void {
    const own = this.outstandingOf(socket);
    const most = Math.max(this.#share(own), reserve(own));
    if (!(bytes >= 0 && bytes <= most)) {
      throw new ProtocolError('internal', `${bytes} bytes on socket ${socket}, allowed ${most}`);
    }
    this.#outstanding += bytes;
    this.#bySocket.set(socket, own + bytes);
  }

  /**
   * The peer's CREDIT.
   * @throws ProtocolError `overrun` when a stream gets back more than is outstanding; datagrams are cut to it.
   */
  giveBack(socket: number, bytes: number, kind: FlowKind): void {
    const own = this.outstandingOf(socket);
    if (bytes > own && kind === 'stream') {
      throw new ProtocolError('overrun', `CREDIT of ${bytes} for socket ${socket}, outstanding ${own}`);
    }
    const back = Math.min(bytes, own);
    this.#outstanding -= back;
    if (back === own) this.#bySocket.delete(socket);
    else this.#bySocket.set(socket, own - back);
  }

  /** All of a socket is given back: it was closed, or (UDP) its datagrams went down with a WebSocket. */
  close(socket: number): void {
    this.#outstanding -= this.outstandingOf(socket);
    this.#bySocket.delete(socket);
  }

  /** The peer's POOL. Nobody can make us use more than POOL_MAX. */
  grow(bytes: number): void {
    this.#pool = Math.max(this.#pool, Math.min(this.#pool + bytes, POOL_MAX));
  }

  /** The n for which own + n = ALPHA * (free - n), so that the threshold still holds when they are sent. */
  #share(own: number): number {
    const free = this.#pool - this.#outstanding;
    return Math.floor((ALPHA * free - own) / (ALPHA + 1));
  }
}

/** What a stream that has `own` outstanding may send whatever the pool holds. */
function reserve(own: number): number {
  return Math.max(0, STREAM_RESERVE - own);
}

/** What we know of a socket that the peer sends on. */
interface Inbound {
  /** Received and not given back: still to be consumed, or consumed and untold. */
  outstanding: number;
  /** Consumed, not yet told by CREDIT. */
  untold: number;
  readonly kind: FlowKind;
}

/** What we have let the peer send, and what to give back. Bytes, throughout. */
export class ReceivePool {
  /** What is outstanding where somebody may wait for credit. */
  readonly #busy: number;
  #pool: number;
  readonly #bySocket = new Map<number, Inbound>();
  /** Sockets with enough to tell. */
  readonly #due = new Set<number>();
  #untold = 0;
  #outstanding = 0;
  /** Outstanding of each stream above its reserve, summed: what lies in the pool proper. */
  #excess = 0;

  /** `pool`: the size that WELCOME tells. */
  constructor(pool: number) {
    this.#busy = Math.min(pool / IDLE_FRACTION, IDLE_BYTES);
    this.#pool = pool;
  }

  /** What the peer may have outstanding: what WELCOME told, and what POOL has added. */
  get size(): number {
    return this.#pool;
  }

  /**
   * `bytes` came in. Datagrams only count towards what is given back: after a resume their sender starts from zero
   * while some may still wait here, so a limit on them (DATAGRAM_QUEUE) is the owner's.
   * @throws ProtocolError `overrun` when a stream sends beyond pool and reserve, which no order of events excuses.
   */
  received(socket: number, bytes: number, kind: FlowKind = 'stream'): void {
    let inbound = this.#bySocket.get(socket);
    if (!inbound) {
      inbound = { outstanding: 0, untold: 0, kind };
      this.#bySocket.set(socket, inbound);
    }
    this.#add(inbound, bytes);
    // A sender may pass the reserve of a stream only while all that is outstanding fits the pool, so the part above
    // the reserves never exceeds the pool, in whatever order things were sent.
    if (this.#excess > this.#pool) {
      throw new ProtocolError('overrun', `${bytes} bytes on socket ${socket} are more than the credit allows`);
    }
  }

  /**
   * The program (client) or the kernel (relay) has taken `bytes`. Of a closed socket this means nothing.
   * @throws ProtocolError `internal` when that is more than has come in, which is a defect of the caller.
   */
  consumed(socket: number, bytes: number): void {
    const inbound = this.#bySocket.get(socket);
    if (!inbound) return;
    if (!(bytes <= inbound.outstanding - inbound.untold)) {
      throw new ProtocolError('internal', `socket ${socket} cannot have consumed ${bytes} bytes`);
    }
    inbound.untold += bytes;
    this.#untold += bytes;
    const { untold, outstanding } = inbound;
    if (untold >= this.#pool / TELL_FRACTION || (untold >= TELL_BYTES && untold * 2 >= outstanding)) {
      this.#due.add(socket);
    }
  }

  /**
   * What is worth telling now, as [socket, bytes] for CREDIT; it counts as told. To be asked once per turn.
   *
   * Worth telling is a socket that has consumed an eighth of the pool, or at least half of what was outstanding (but
   * 512 bytes). So a stream whose reader has taken everything has less than 512 bytes untold, and its sender may send
   * at least as many from the reserve: nobody waits for ever. As long as little is outstanding, nobody waits at all, and
   * 16 KiB may come together first. Small rests of many sockets are told together when they come to an eighth of the pool,
   * or they would slow the others.
   */
  takeCredits(): [socket: number, bytes: number][] {
    if (!this.due) return [];
    const all = this.#untold >= this.#pool / TELL_FRACTION;
    const credits: [socket: number, bytes: number][] = [];
    for (const socket of all ? this.#bySocket.keys() : this.#due) {
      const inbound = this.#bySocket.get(socket);
      if (!inbound || inbound.untold === 0) continue;
      credits.push([socket, inbound.untold]);
      this.#untold -= inbound.untold;
      this.#add(inbound, -inbound.untold);
      inbound.untold = 0;
    }
    this.#due.clear();
    return credits;
  }

  /** Bytes consumed that no CREDIT has told of, over all sockets. */
  get untold(): number {
    return this.#untold;
  }

  /** Whether `takeCredits` would find something worth telling. To be asked after what came in as well as after what was consumed. */
  get due(): boolean {
    return (
      this.#untold >= this.#pool / TELL_FRACTION ||
      (this.#due.size > 0 && (this.#untold >= LATE_BYTES || this.#outstanding >= this.#busy))
    );
  }

  /** The socket is gone, and all it held with it. */
  close(socket: number): void {
    const inbound = this.#bySocket.get(socket);
    if (!inbound) return;
    this.#untold -= inbound.untold;
    this.#add(inbound, -inbound.outstanding);
    this.#bySocket.delete(socket);
    this.#due.delete(socket);
  }

  /** We are sending POOL: from now on the peer may have `bytes` more outstanding. */
  grow(bytes: number): void {
    this.#pool += bytes;
  }

  #add(inbound: Inbound, bytes: number): void {
    const before = Math.max(0, inbound.outstanding - STREAM_RESERVE);
    inbound.outstanding += bytes;
    this.#outstanding += bytes;
    if (inbound.kind === 'stream') this.#excess += Math.max(0, inbound.outstanding - STREAM_RESERVE) - before;
  }
}
