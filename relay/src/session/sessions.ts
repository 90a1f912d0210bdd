/** All sessions of a relay: who may begin one, who may go on with one. */
import { randomBytes } from 'node:crypto';
import { ProtocolError } from '@luasocket-web/shared/errors';
import { type FrameOf, PROTOCOL_VERSION } from '@luasocket-web/shared/frames';
import { EPOCH_BYTES, KEY_BYTES, NONCE_BYTES, SESSION_BYTES } from '@luasocket-web/shared/limits';
import type { WebSocket } from 'ws';
import type { Carrier } from '../carrier.ts';
import type { Config } from '../config.ts';
import type { Names } from '../dns/names.ts';
import type { Guest } from '../lobby.ts';
import type { Log } from '../log.ts';
import type { SocketFactory } from '../sockets/socket.ts';
import type { Tally } from '../tally.ts';
import type { Admission, Terms } from './admission.ts';
import { Budget } from './budget.ts';
import { Connection, type Door } from './connection.ts';
import { verify } from './mac.ts';
import type { Clock } from './parts.ts';
import type { Refusals } from './refusals.ts';
import { Session } from './session.ts';
import { Shares } from './shares.ts';

/** Beyond the download pool: what may wait for a client that does not read before the relay stops reading it. */
const PATIENCE_BYTES = 1024 * 1024;
/** Bytes that closed sockets of all sessions may still have to deliver to slow peers. */
const LINGERING_BYTES = 64 * 1024 * 1024;

export interface SessionsOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly admission: Admission;
  readonly refusals: Refusals;
  readonly tally: Tally;
  readonly names: Names;
  readonly sockets: SocketFactory;
}

export class Sessions implements Door {
  readonly #options: SessionsOptions;
  readonly #epoch = randomBytes(EPOCH_BYTES);
  /** Stands in for the key of a session that does not exist, so that looking for one takes the same time. */
  readonly #noKey = randomBytes(KEY_BYTES);
  readonly #sessions = new Map<string, Session>();
  readonly #lingering = new Budget(LINGERING_BYTES);
  readonly #growing: Budget;
  readonly #shares: Shares;
  readonly #connections = new Set<Connection>();
  /** Those of them that were let in while there was room for new sessions, and have not said what they want. */
  readonly #entering = new Set<Connection>();
  /** When all is to have ended, in milliseconds by the clock; null: not drained. */
  #deadline: number | null = null;
  readonly #whenEmpty: (() => void)[] = [];

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#growing = new Budget(options.config.limits.grownBytes);
    this.#shares = new Shares(() => options.clock.monotonic());
  }

  /** Sessions there are, those without a WebSocket included. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Sessions by whether they have a WebSocket, and their sockets by kind. */
  count(): { sessions: { attached: number; detached: number }; sockets: { tcp: number; udp: number } } {
    const sessions = { attached: 0, detached: 0 };
    const sockets = { tcp: 0, udp: 0 };
    for (const session of this.#sessions.values()) {
      sessions[session.attached ? 'attached' : 'detached']++;
      session.countSockets(sockets);
    }
    return { sessions, sockets };
  }

  /** WebSockets, those without a session included. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Sockets of all sessions. */
  get socketCount(): number {
    return [...this.#sessions.values()].reduce((sum, session) => sum + session.socketCount, 0);
  }

  /** Bytes kept for clients, over all sessions. */
  get keptBytes(): number {
    return [...this.#sessions.values()].reduce((sum, session) => sum + session.keptBytes, 0);
  }

  /** Bytes by which the credit of sessions has grown. */
  get grownBytes(): number {
    return this.#growing.used;
  }

  /** A WebSocket that has come up over `carrier`, from this address, at the door of this relay or (`node`) of that one. */
  connect(ws: WebSocket, carrier: Carrier, address: string, node: string | null, guest: Guest): void {
    const { clock, log, config, tally } = this.#options;
    const { handshakeSeconds, pingSeconds, deadSeconds, download } = config.limits;
    const connection = new Connection(ws, carrier, {
      door: this,
      guest,
      clock,
      shares: this.#shares,
      log,
      tally,
      address,
      nonce: randomBytes(NONCE_BYTES),
      epoch: this.#epoch,
      handshakeSeconds,
      pingSeconds,
      deadSeconds,
      patienceBytes: download + PATIENCE_BYTES,
    });
    this.#connections.add(connection);
    if (this.#deadline === null) this.#entering.add(connection);
    ws.on('close', () => {
      this.#connections.delete(connection);
      this.#entered(connection);
    });
    if (node === null || node === config.nodeId) return;
    // Who balances the load has sent it here because that relay is gone, and its sessions with it.
    this.#options.tally.sessions.add('resume at another node');
    connection.fault('not_resumable', 'the session is on another node');
  }

  hello(connection: Connection, { version, ticket, leases }: FrameOf<'hello'>): void | Promise<void> {
    checkVersion(version);
    this.#checkRoom(connection);
    const terms = this.#options.admission.admit(ticket, connection.address);
    if (!(terms instanceof Promise)) {
      this.#begin(connection, terms, leases);
      return;
    }
    return terms.then(
      (granted) => this.#beginLater(connection, granted, leases),
      (error: unknown) => {
        this.#options.tally.sessions.add('refused');
        throw error;
      },
    );
  }

  resume(connection: Connection, frame: FrameOf<'resume'>): void | Promise<void> {
    checkVersion(frame.version);
    const session = this.#sessions.get(Buffer.from(frame.session).toString('hex'));
    const { nonce } = connection;
    const mine = session
      ? session.isResumedBy(nonce, frame)
      : verify(this.#noKey, 'client', { ...frame, nonce }, frame.mac);
    if (!session || !mine) {
      this.#options.tally.sessions.add('resume refused');
      // Never the owner: who is at its address must not be able to keep it out.
      const many = this.#options.refusals.add(connection.address, this.#options.clock.monotonic());
      return many instanceof Promise ? many.then((late) => this.#refuseResume(late)) : this.#refuseResume(many);
    }
    session.resume(connection, frame);
    this.#options.tally.sessions.add('resumed');
    this.#tell(session);
    this.#entered(connection);
  }

  /**
   * Takes no new sessions, save of those whose WebSocket has been let in already: a balancer cannot take them elsewhere any
   * more. Tells all of them, and waits until they have gone or `seconds` have passed.
   */
  async drain(seconds: number): Promise<void> {
    this.#deadline = this.#options.clock.monotonic() + seconds * 1000;
    for (const session of this.#sessions.values()) this.#tell(session);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, seconds * 1000);
    });
    await Promise.race([this.#empty(), late]);
    clearTimeout(timer);
  }

  /** Ends every session, and the WebSockets that have none. Resolves when all sockets are closed. */
  async close(): Promise<void> {
    this.#deadline = this.#options.clock.monotonic();
    this.#entering.clear();
    for (const connection of this.#connections) connection.fault('going_away', 'the relay is shutting down');
    for (const session of [...this.#sessions.values()]) session.dismiss();
    await this.#empty();
  }

  async #empty(): Promise<void> {
    if (!this.#isEmpty()) await new Promise<void>((resolve) => this.#whenEmpty.push(resolve));
  }

  #isEmpty(): boolean {
    return this.#sessions.size === 0 && this.#entering.size === 0;
  }

  /** It has what it wanted, or is gone. */
  #entered(connection: Connection): void {
    this.#entering.delete(connection);
    this.#settle();
  }

  #settle(): void {
    if (this.#isEmpty()) for (const tell of this.#whenEmpty.splice(0)) tell();
  }

  /** Tells a session that the relay will stop, if it will. */
  #tell(session: Session): void {
    if (this.#deadline === null) return;
    const milliseconds = Math.ceil(this.#deadline - this.#options.clock.monotonic());
    session.goAway('the relay is shutting down', Math.max(0, milliseconds / 1000));
  }

  /** @param many were refused to that address already. */
  #refuseResume(many: boolean): never {
    if (!many) throw new ProtocolError('not_resumable', 'the session cannot be resumed');
    this.#options.tally.limits.add('refusedResumes');
    throw new ProtocolError('limit', 'too many resumes were refused; try again later');
  }

  #checkRoom(connection: Connection): void {
    if (this.#deadline !== null && !this.#entering.has(connection))
      throw new ProtocolError('going_away', 'the relay is shutting down');
    if (this.#sessions.size < this.#options.config.limits.sessions) return;
    this.#options.tally.limits.add('sessions');
    throw new ProtocolError('limit', 'the relay is full');
  }

  /** Time has passed since HELLO. */
  #beginLater(connection: Connection, terms: Terms, leases: number): void {
    try {
      this.#checkRoom(connection);
      if (connection.closed) terms.leave();
      else this.#begin(connection, terms, leases);
    } catch (error) {
      terms.leave();
      throw error;
    }
  }

  #begin(connection: Connection, terms: Terms, leases: number): void {
    const { config, clock, log, names, sockets, tally } = this.#options;
    const { gate, limits, scans, throttle, maxSeconds } = terms;
    const id = randomBytes(SESSION_BYTES);
    const name = id.toString('hex');
    const session = new Session({
      id,
      key: randomBytes(KEY_BYTES),
      epoch: this.#epoch,
      mode: config.mode,
      node: config.nodeId ?? null,
      limits,
      clock,
      shares: this.#shares,
      log,
      gate,
      names,
      sockets,
      leases,
      scans,
      throttle,
      maxSeconds,
      tally,
      lingering: this.#lingering,
      growing: this.#growing,
      onEnd: () => {
        this.#ended(name);
        terms.leave();
      },
    });
    this.#sessions.set(name, session);
    tally.sessions.add('begun');
    session.welcome(connection);
    this.#tell(session);
    this.#entered(connection);
  }

  #ended(name: string): void {
    this.#sessions.delete(name);
    this.#options.tally.sessions.add('ended');
    this.#settle();
  }
}

function checkVersion(version: number): void {
  if (version !== PROTOCOL_VERSION) {
    throw new ProtocolError('unsupported_version', `this relay speaks version ${PROTOCOL_VERSION}`);
  }
}
