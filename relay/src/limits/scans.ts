/**
 * What keeps a stranger's session from scanning: how fast it may ask for names, connect, and find new peers. One per
 * session; each refusal is counted by its limit. Development mode has none.
 */
import type { Endpoint } from '@luasocket-web/shared/address';
import { LookupError } from '../os/resolver-library.ts';
import { SystemFailure } from '../sockets/socket.ts';
import { Bucket } from './bucket.ts';

/** The limits, as in config.ts. */
export interface ScanLimits {
  readonly pendingConnects: number;
  readonly connectsPerMinute: number;
  readonly portsPerHost: number;
  readonly udpPeers: number;
  readonly udpPeersPerMinute: number;
  readonly unansweredBytes: number;
  readonly lookupsPerSecond: number;
  readonly lookupsBurst: number;
}

/** Hosts whose ports are remembered. */
const MAX_HOSTS = 1024;

export type LimitName = keyof ScanLimits;

export class Scans {
  readonly limits: ScanLimits;
  readonly #now: () => number;
  readonly #reached: (limit: LimitName) => void;
  readonly #lookups: Bucket;
  readonly #connects: Bucket;
  readonly #peers: Bucket;
  readonly #ports = new Map<string, Set<number>>();
  #pending = 0;

  /**
   * @param now milliseconds on a clock that never runs backwards.
   * @param reached told each time a limit refuses something.
   */
  constructor(limits: ScanLimits, now: () => number, reached: (limit: LimitName) => void) {
    this.limits = limits;
    this.#now = now;
    this.#reached = reached;
    this.#lookups = new Bucket(limits.lookupsPerSecond, limits.lookupsBurst);
    this.#connects = new Bucket(limits.connectsPerMinute / 60, limits.connectsPerMinute);
    this.#peers = new Bucket(limits.udpPeersPerMinute / 60, limits.udpPeersPerMinute);
  }

  /** A look-up. @throws LookupError in the words of the call that asks */
  lookup(by: 'addrinfo' | 'hostent'): void {
    if (this.#lookups.take(this.#now())) return;
    this.#reached('lookupsPerSecond');
    throw new LookupError(by === 'addrinfo' ? 'EAI_AGAIN' : 'TRY_AGAIN');
  }

  /**
   * An attempt to connect, in the order in which a scan would be noticed. Answers what is to be called when the attempt
   * is over. @throws SystemFailure EACCES for one more port of a host, EAGAIN for one more attempt now.
   */
  connect({ address, port }: Endpoint): () => void {
    const { pendingConnects, portsPerHost } = this.limits;
    if (this.#pending >= pendingConnects) this.#refuse('pendingConnects', 'EAGAIN');
    const ports = this.#ports.get(address) ?? new Set();
    if (!ports.has(port) && ports.size >= portsPerHost) this.#refuse('portsPerHost', 'EACCES');
    if (!this.#connects.take(this.#now())) this.#refuse('connectsPerMinute', 'EAGAIN');
    ports.add(port);
    // The one that was not asked for longest is forgotten first.
    this.#ports.delete(address);
    this.#ports.set(address, ports);
    for (const oldest of this.#ports.keys()) {
      if (this.#ports.size <= MAX_HOSTS) break;
      this.#ports.delete(oldest);
    }
    this.#pending++;
    let over = false;
    return () => {
      if (over) return;
      over = true;
      this.#pending--;
    };
  }

  /** The limits on the peers of one UDP socket. */
  peers(): Peers {
    return new Peers(this.limits, this.#now, (limit) => this.#reached(limit), this.#peers);
  }

  #refuse(limit: LimitName, code: 'EACCES' | 'EAGAIN'): never {
    this.#reached(limit);
    throw new SystemFailure(code);
  }
}

interface PeerAccount {
  /** Bytes sent to it, and heard from it. */
  sent: number;
  heard: number;
  /** Milliseconds; when something was last sent or heard. */
  at: number;
}

/** A peer that was silent for so long makes room for another: what NATs grant a UDP binding (RFC 4787, REQ-5). */
const IDLE_MILLISECONDS = 120_000;
/** A peer may be sent this many times what it has sent, and `unansweredBytes` (RFC 9000, section 8, has the same factor). */
const AMPLIFICATION = 3;
/** Peers that spoke first and are remembered, where that is granted. */
const MAX_STRANGERS = 1024;

/** Whom a UDP socket may send to, how much, and from whom it hears. */
export class Peers {
  readonly #limits: ScanLimits;
  readonly #now: () => number;
  readonly #reached: (limit: LimitName) => void;
  readonly #fresh: Bucket;
  readonly #found = new Map<string, PeerAccount>();
  /** Peers that spoke first: they cost nothing, since nobody went looking for them. */
  readonly #strangers = new Map<string, PeerAccount>();

  constructor(limits: ScanLimits, now: () => number, reached: (limit: LimitName) => void, fresh: Bucket) {
    this.#limits = limits;
    this.#now = now;
    this.#reached = reached;
    this.#fresh = fresh;
  }

  /**
   * A datagram of `bytes` to a peer; 0 to look at the peer only, as connect does.
   * @throws SystemFailure EPIPE, for which udp.c says "refused"
   */
  send(peer: Endpoint, bytes: number): void {
    const now = this.#now();
    const account = this.#account(keyOf(peer), now);
    const allowance = AMPLIFICATION * account.heard + this.#limits.unansweredBytes;
    if (account.sent + bytes > allowance) this.#refuse('unansweredBytes');
    account.sent += bytes;
    account.at = now;
  }

  /** A datagram of `bytes` from a peer; answers whether the socket has sent it something, or it has been heard before. */
  heard(peer: Endpoint, bytes: number): boolean {
    const key = keyOf(peer);
    const account = this.#found.get(key) ?? this.#strangers.get(key);
    if (account === undefined) return false;
    account.heard += bytes;
    account.at = this.#now();
    return true;
  }

  /** A peer that may speak first has done so. */
  admit(peer: Endpoint, bytes: number): void {
    if (this.#strangers.size >= MAX_STRANGERS) {
      for (const oldest of this.#strangers.keys()) {
        this.#strangers.delete(oldest);
        break;
      }
    }
    this.#strangers.set(keyOf(peer), { sent: 0, heard: bytes, at: this.#now() });
  }

  #account(key: string, now: number): PeerAccount {
    const known = this.#found.get(key) ?? this.#strangers.get(key);
    if (known !== undefined) return known;
    if (this.#found.size >= this.#limits.udpPeers) this.#forgetIdle(now);
    if (this.#found.size >= this.#limits.udpPeers) this.#refuse('udpPeers');
    if (!this.#fresh.take(now)) this.#refuse('udpPeersPerMinute');
    const account = { sent: 0, heard: 0, at: now };
    this.#found.set(key, account);
    return account;
  }

  #forgetIdle(now: number): void {
    for (const [key, { at }] of this.#found) if (now - at >= IDLE_MILLISECONDS) this.#found.delete(key);
  }

  #refuse(limit: LimitName): never {
    this.#reached(limit);
    throw new SystemFailure('EPIPE');
  }
}

function keyOf({ address, port }: Endpoint): string {
  return `${address} ${port}`;
}
