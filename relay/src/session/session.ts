/**
 * One client: its sockets and its link, over one WebSocket after another. It puts the parts together; what a frame
 * does is in dispatch.ts, who may have a session in sessions.ts.
 */
import { encodeFrame, frameInPlace } from '@luasocket-web/shared/codec';
import { ProtocolError } from '@luasocket-web/shared/errors';
import { type ClientFrame, type FrameOf, PROTOCOL_VERSION, type RelayFrame } from '@luasocket-web/shared/frames';
import { isSequenced, Link } from '@luasocket-web/shared/link';
import type { Throttle } from '../limits/throttle.ts';
import type { Log } from '../log.ts';
import { ReadBuffers } from '../sockets/read-buffers.ts';
import { Acknowledging } from './acknowledging.ts';
import { isBehind, MUCH, TOO_MUCH } from './arrears.ts';
import type { Connection, Ending, Owner } from './connection.ts';
import { createContext, type Means } from './context.ts';
import { type Context, dispatch } from './dispatch.ts';
import { Leaving } from './leaving.ts';
import { sign, verify } from './mac.ts';
import { Pace } from './pace.ts';
import type { Voice } from './parts.ts';
import type { Shares } from './shares.ts';
import type { Entry } from './table.ts';
import { after } from './turns.ts';

/** What a frame without payload takes, about; only the time of an ACK depends on it. */
const FRAME_BYTES = 16;

/** Frames that leave nothing behind: their numbers are counted; of a payload, `Streams` knows whether it is kept. */
const PASSING: ReadonlySet<ClientFrame['type']> = new Set(['credit', 'pool', 'ack', 'ping', 'pong']);

export interface SessionOptions extends Means {
  readonly id: Uint8Array;
  readonly key: Uint8Array;
  readonly epoch: Uint8Array;
  readonly mode: 'development' | 'public';
  /** The relay's name among others; null: there is one. */
  readonly node: string | null;
  readonly shares: Shares;
  readonly log: Log;
  /** How fast it may go; null: as fast as it can. */
  readonly throttle: Throttle | null;
  /** Seconds that it may last; null: as long as it likes. */
  readonly maxSeconds: number | null;
  /** The session is over and its sockets are released. */
  readonly onEnd: () => void;
}

export class Session implements Owner, Voice {
  readonly #options: SessionOptions;
  readonly #context: Context;
  readonly #pace: Pace;
  readonly #buffers = new ReadBuffers();
  readonly #link = new Link((encoded) => this.#buffers.release(encoded));
  readonly #acks: Acknowledging;
  readonly #leaving: Leaving;
  #connection: Connection | null = null;
  /** Of the last RESUME that was accepted; 1 before the first. */
  #generation = 1;
  #ended = false;
  #last: NodeJS.Timeout | undefined;
  #expiry: NodeJS.Timeout | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#acks = new Acknowledging(this.#link, options.clock, () => this.#connection?.linger());
    const { clock, log, shares, throttle, tally } = options;
    this.#leaving = new Leaving({ clock, log, shares });
    const route = { now: () => clock.monotonic(), roundtrip: () => this.#roundtrip() };
    this.#context = createContext(this, this.#buffers, route, options);
    this.#pace = new Pace({
      throttle,
      clock,
      tally,
      peers: (stop) => this.guard(() => this.#context.streams.stop(stop)),
      client: (stop) => this.#connection?.hold(stop),
    });
  }

  /** Adds its sockets, by kind. */
  countSockets(counts: { tcp: number; udp: number }): void {
    for (const { kind } of this.#context.table) counts[kind]++;
    for (const { kind } of this.#leaving) counts[kind]++;
  }

  get attached(): boolean {
    return this.#connection !== null;
  }

  /** Sockets that the session has, those waiting to be accepted included; of one that is over, those that are not closed yet. */
  get socketCount(): number {
    return this.#context.table.size + this.#leaving.size;
  }

  /** Bytes that are kept for this client: unacknowledged, or held over for want of credit. */
  get keptBytes(): number {
    return this.#link.unacknowledgedBytes + this.#context.streams.heldBytes;
  }

  /** The first WebSocket: WELCOME and the first leases. */
  welcome(connection: Connection): void {
    const { id, key, epoch, mode, node, limits, clock } = this.#options;
    this.#attach(connection);
    connection.send({
      type: 'welcome',
      version: PROTOCOL_VERSION,
      session: id,
      key,
      epoch,
      mode,
      resumeSeconds: limits.resumeSeconds,
      sockets: limits.sockets,
      upload: limits.upload,
      download: limits.download,
      time: clock.wall(),
      node,
    });
    connection.probe();
    this.#context.leases.begin();
    const { maxSeconds } = this.#options;
    if (maxSeconds !== null) {
      const over = 'the session has lasted as long as its ticket allows';
      this.#last = after(maxSeconds, () => this.#fail(new ProtocolError('limit', over)));
    }
  }

  /** Whether `frame` proves that its sender holds this session's key. Touches nothing. */
  isResumedBy(nonce: Uint8Array, frame: FrameOf<'resume'>): boolean {
    const { session, generation, received, mac } = frame;
    // All is computed before anything is compared, whatever is wrong.
    const proven = verify(this.#options.key, 'client', { nonce, session, generation, received }, mac);
    return proven && generation > this.#generation && !this.#ended;
  }

  /** Goes on over `connection`, from where the client says it is. @throws ProtocolError `not_resumable`, nothing touched. */
  resume(connection: Connection, frame: FrameOf<'resume'>): void {
    const { id, key, clock } = this.#options;
    const again = this.#link.replay(frame.received);
    this.#generation = frame.generation;
    const old = this.#connection;
    old?.release();
    old?.fault('replaced', 'the session continues on another WebSocket');
    this.#pace.congested = false;
    this.#pace.behind &&= isBehind(this.#link, this.#context.send, MUCH);
    this.#attach(connection);
    const received = this.#link.takeAck();
    const proven = { nonce: connection.nonce, session: id, generation: this.#generation, received };
    connection.send({ type: 'resumed', received, mac: sign(key, 'relay', proven), time: clock.wall() });
    connection.probe();
    for (const encoded of again) connection.sendEncoded(encoded);
    for (const entry of this.#context.table) if (entry.kind === 'udp') entry.renewed();
    this.#context.streams.pump();
  }

  goAway(reason: string, seconds: number): void {
    this.#connection?.send({ type: 'goaway', reason, seconds });
  }

  /** Ends the session from our side: tells why, and resets what is open. */
  dismiss(): void {
    if (this.#connection) this.#connection.fault('going_away', 'the relay is shutting down');
    else this.#end(true);
  }

  send(frame: RelayFrame): void {
    if (this.#ended) return;
    if ('payload' in frame) {
      this.#options.tally.bytes.udp.in += frame.payload.length;
      this.#pace.spend(frame.payload.length, 0);
    }
    this.#sendEncoded(encodeFrame(frame), isSequenced(frame.type));
  }

  data(socket: number, payload: Uint8Array): void {
    if (this.#ended) return;
    this.#options.tally.bytes.tcp.in += payload.length;
    this.#pace.spend(payload.length, 0);
    this.#sendEncoded(frameInPlace(socket, payload), true, true);
  }

  #sendEncoded(encoded: Uint8Array, sequenced: boolean, roomy = false): void {
    if (sequenced) {
      this.#link.sent(encoded);
      if (isBehind(this.#link, this.#context.send, MUCH)) {
        if (isBehind(this.#link, this.#context.send, TOO_MUCH)) {
          this.#fail(new ProtocolError('limit', 'too much is unacknowledged'));
          return;
        }
        // Answers are the client's own doing; what peers send can be stopped before it comes to that.
        this.#pace.behind = true;
      }
    }
    this.#connection?.sendEncoded(encoded, roomy);
  }

  stir(): void {
    const { due } = this.#context.credit;
    if (due === 'now') this.#connection?.schedule();
    else if (due === 'soon') this.#connection?.linger();
  }

  guard(task: () => void): boolean {
    if (this.#ended) return false;
    try {
      task();
    } catch (error) {
      this.#fail(error);
    }
    return true;
  }

  frames(frames: readonly ClientFrame[]): boolean {
    const { streams, table } = this.#context;
    const { tally } = this.#options;
    const { kept } = streams;
    let bytes = 0;
    let isPassing = true;
    for (const frame of frames) {
      if (this.#ended) return false;
      if (frame.type === 'data') {
        // Most are that, and look-ups by type cost as much as all else that is done with a small one.
        const { length } = frame.payload;
        bytes += length;
        tally.bytes.tcp.out += length;
        this.#link.received(length + FRAME_BYTES);
        streams.write(table.stream(frame.socket), frame.payload);
        continue;
      }
      isPassing &&= PASSING.has(frame.type);
      if (frame.type === 'datagram' || frame.type === 'sendto') {
        bytes += frame.payload.length;
        tally.bytes.udp.out += frame.payload.length;
      }
      this.#frame(frame);
    }
    this.#pace.spend(bytes, frames.length);
    streams.settle();
    this.stir();
    this.#acks.look();
    return isPassing && streams.kept === kept;
  }

  flushing(): void {
    if (this.#ended) return;
    this.#context.credit.tell(this.#roundtrip());
    const received = this.#acks.take();
    if (received !== null) this.#connection?.send({ type: 'ack', received });
  }

  get grownBytes(): number {
    return this.#context.credit.grownDownload;
  }

  congested(on: boolean): void {
    this.guard(() => {
      this.#pace.congested = on;
    });
  }

  closed(ending: Ending): void {
    this.#connection = null;
    const { resumeSeconds } = this.#options.limits;
    if (ending !== 'lost' || resumeSeconds === 0) {
      this.#end(ending === 'fault');
      return;
    }
    this.congested(false);
    this.#expiry = setTimeout(() => this.#end(false), resumeSeconds * 1000).unref();
  }

  /** The smallest round trip to the client, in milliseconds; null: not known. */
  #roundtrip(): number | null {
    return this.#connection?.roundtrip ?? null;
  }

  #attach(connection: Connection): void {
    clearTimeout(this.#expiry);
    this.#connection = connection;
    connection.belongTo(this);
    connection.hold(this.#pace.throttled);
  }

  #frame(frame: Exclude<ClientFrame, { type: 'data' }>): void {
    switch (frame.type) {
      case 'ack':
        this.#link.acknowledged(frame.received);
        if (this.#pace.behind && !isBehind(this.#link, this.#context.send, MUCH)) this.#pace.behind = false;
        return;
      case 'ping':
        this.#connection?.send({ type: 'pong', token: frame.token, time: this.#options.clock.wall() });
        return;
      case 'pong':
        this.#connection?.answered(frame.token);
        return;
      case 'fault':
        this.#options.log.info({ fault: frame.code }, 'the client found a fault');
        this.#connection?.close();
        return;
      case 'hello':
      case 'resume':
        throw new ProtocolError('unexpected', `${frame.type} in an open session`);
      default:
        if (isSequenced(frame.type)) {
          this.#link.received('payload' in frame ? frame.payload.length + FRAME_BYTES : FRAME_BYTES);
        }
        dispatch(this.#context, frame);
    }
  }

  #fail(error: unknown): void {
    if (this.#connection) {
      this.#connection.fail(error);
    } else {
      this.#options.log.info(
        { error: error instanceof Error ? error.message : String(error) },
        'detached session ended',
      );
      this.#end(true);
    }
  }

  /** Releases everything. @param abort resets connections instead of closing them as at the end of a process. */
  #end(abort: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#expiry);
    this.#acks.close();
    this.#pace.close();
    clearTimeout(this.#last);
    const { streams, table, leases, credit } = this.#context;
    leases.close();
    credit.close();
    const close = (entry: Entry) => {
      if (entry.kind === 'udp') entry.close();
      else streams.close(entry, abort || streams.isUnread(entry));
    };
    this.#leaving.begin(table.clear(), close, this.#options.onEnd);
  }
}
