/**
 * One WebSocket: messages to frames and back, gathering, keeping alive, faults. It opens with HELLO or RESUME (`Door`)
 * and then belongs to a session (`Owner`), which may outlive it. It knows no socket and no session's state.
 */

import { decodeFrames, encodeFrame } from '@luasocket-web/shared/codec';
import { FAULTS, type FaultCode, ProtocolError } from '@luasocket-web/shared/errors';
import type { ClientFrame, Frame, FrameOf, RelayFrame } from '@luasocket-web/shared/frames';
import { PROTOCOL_VERSION } from '@luasocket-web/shared/frames';
import type { WebSocket } from 'ws';
import type { Carrier } from '../carrier.ts';
import type { Guest } from '../lobby.ts';
import type { Log } from '../log.ts';
import type { Tally } from '../tally.ts';
import { Inbox } from './inbox.ts';
import { Incoming } from './incoming.ts';
import { Outgoing } from './outgoing.ts';
import type { Clock } from './parts.ts';
import { Probes } from './probes.ts';
import type { Shares } from './shares.ts';

/** A message of this size is sent without waiting for the end of the turn. */
const FLUSH_BYTES = 64 * 1024;
/** A frame of this size is a message of its own: copying it costs more than a message does. */
const ALONE_BYTES = 16 * 1024;
/** When so many bytes wait in this process for the WebSocket, nobody reads from peers until it has taken them. */
const CONGESTED_BYTES = 256 * 1024;
/**
 * After so many messages in a row that carried one frame, the next small frame is not kept for company until the end of the turn;
 * but one in so many is all the same, to see whether there is company by now. It takes 3 us less, and for a datagram the system
 * call that finds no second one comes after its answer has left.
 */
const LONELY_MESSAGES = 8;
/** How long credit and acknowledgements wait for something to go with: an echo comes back sooner than that. */
const LINGER_MILLISECONDS = 2;
const NORMAL_CLOSE = 1000;
/** What a browser sends when the page is left: nobody has the key any more, so nobody will resume. */
const PAGE_GONE = 1001;

/** What the WebSocket's end means for the session: over in good order, over by a fault, or to be resumed. */
export type Ending = 'done' | 'fault' | 'lost';

/** Who opens sessions and finds them again. */
export interface Door {
  /** @throws ProtocolError when it is refused, perhaps later: then it rejects. */
  hello(connection: Connection, frame: FrameOf<'hello'>): void | Promise<void>;
  /** The same. */
  resume(connection: Connection, frame: FrameOf<'resume'>): void | Promise<void>;
}

/** The session that a WebSocket belongs to. */
export interface Owner {
  /**
   * The frames of one message. Answers whether nothing of it is kept: its memory may be used again.
   * @throws ProtocolError which ends the session.
   */
  frames(frames: readonly ClientFrame[]): boolean;
  /** The turn is over: whatever should go out with it. */
  flushing(): void;
  congested(on: boolean): void;
  /** Bytes by which more may be on the way to the client than at first. */
  readonly grownBytes: number;
  closed(ending: Ending): void;
}

export interface ConnectionOptions {
  readonly door: Door;
  /** Who keeps the room for those that belong to nobody. */
  readonly guest: Guest;
  readonly clock: Clock;
  readonly shares: Shares;
  readonly log: Log;
  readonly tally: Pick<Tally, 'limits' | 'faults'>;
  /** Where the client is. */
  readonly address: string;
  readonly nonce: Uint8Array;
  readonly epoch: Uint8Array;
  readonly handshakeSeconds: number;
  readonly pingSeconds: number;
  readonly deadSeconds: number;
  /** Bytes that may wait for a client that does not read, beside the growth of its pool; then what it sends is not read either. */
  readonly patienceBytes: number;
}

export class Connection {
  readonly #ws: WebSocket;
  readonly #options: ConnectionOptions;
  readonly #out: Outgoing;
  readonly #flush = () => this.flush();
  readonly #probes = new Probes();
  readonly #inbox: Inbox<Uint8Array, Frame>;
  readonly #handshake: NodeJS.Timeout;
  readonly #keepalive: NodeJS.Timeout;
  #owner: Owner | null = null;
  #scheduled = false;
  #lingering = false;
  /** Frames that are to be sent, and messages in a row that carried one. */
  #gathered = 0;
  #lonely = 0;
  #closed = false;
  #congested = false;
  #deaf = false;
  /** The session has had its share: what the client sends is left to wait. */
  #held = false;
  /** Nothing of the message at hand is needed any more. */
  #spent = true;
  /** HELLO or RESUME is being considered. */
  #opening = false;
  #lastHeard: number;

  /** `carrier` is what `ws` speaks over. */
  constructor(ws: WebSocket, carrier: Carrier, options: ConnectionOptions) {
    this.#ws = ws;
    this.#out = new Outgoing(carrier.socket);
    this.#out.onDrained(() => this.#drained());
    this.#options = options;
    this.#lastHeard = options.clock.monotonic();
    this.#handshake = setTimeout(() => {
      options.tally.limits.add('handshakeSeconds');
      this.fault('timeout', 'no HELLO in time');
    }, options.handshakeSeconds * 1000).unref();
    this.#keepalive = setInterval(() => this.#keepAlive(), options.pingSeconds * 1000).unref();
    this.#inbox = new Inbox({
      shares: options.shares,
      now: () => options.clock.monotonic(),
      decode: (message) => decodeFrames(message, 'client'),
      perform: (frames) => this.#perform(frames),
      failed: (error) => this.fail(error),
      waits: () => this.#listen(),
    });
    ws.on('close', (code) => {
      this.#inbox.finish(() => this.#end(isDone(code) ? 'done' : isFaultClose(code) ? 'fault' : 'lost'));
    });
    // The client broke WebSocket in a control frame; ws has closed it already, with the protocol's fault (see StrictWebSocket).
    ws.on('error', (error) => {
      options.log.info({ error: error.message }, 'WebSocket error');
      options.tally.faults.add('malformed');
      this.#end('fault');
    });
    const { nonce, epoch } = options;
    this.send({ type: 'challenge', version: PROTOCOL_VERSION, nonce, epoch });
    this.flush();
    const incoming = new Incoming(carrier.memory, {
      message: (message) => this.#message(message),
      control: (frame) => carrier.socket.emit('data', frame),
      failed: (fault, message) => {
        this.fault(fault, message);
        // The client's answer to our close would not be looked at either.
        carrier.socket.end();
      },
    });
    carrier.readInto(incoming);
  }

  get address(): string {
    return this.#options.address;
  }

  get nonce(): Uint8Array {
    return this.#options.nonce;
  }

  /** Whether nobody is there any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Leaves unread what the client sends, or reads on. */
  hold(on: boolean): void {
    if (this.#closed || on === this.#held) return;
    this.#held = on;
    if (!on) this.#lastHeard = this.#options.clock.monotonic();
    this.#inbox.hold(on);
    this.#listen();
  }

  /** The handshake is over; from now on frames go to `owner`. */
  belongTo(owner: Owner): void {
    clearTimeout(this.#handshake);
    this.#options.guest.admitted();
    this.#owner = owner;
  }

  /** The smallest round trip to the client, in milliseconds; null before the first. */
  get roundtrip(): number | null {
    return this.#probes.roundtrip;
  }

  /** Sends PING. */
  probe(): void {
    this.send({ type: 'ping', token: this.#probes.begin(this.#options.clock.monotonic()) });
  }

  /** PONG has come. */
  answered(token: number): void {
    if (this.#probes.answered(token, this.#options.clock.monotonic())) this.probe();
  }

  /** Sends a frame that is not sequenced. */
  send(frame: RelayFrame): void {
    this.sendEncoded(encodeFrame(frame));
  }

  /** `roomy`: the bytes before it are free for the header of a message (see Outgoing). */
  sendEncoded(encoded: Uint8Array, roomy = false): void {
    if (this.#closed) return;
    // What is large goes alone, so that it is not copied.
    if (encoded.length >= ALONE_BYTES || !this.#out.fits(encoded.length)) this.#write();
    this.#out.add(encoded, roomy);
    this.#gathered++;
    if (encoded.length >= ALONE_BYTES || this.#out.size >= FLUSH_BYTES || this.#isLonely()) this.#write();
    else this.schedule();
  }

  /** Flushes at the end of this turn of the event loop. */
  schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#options.shares.atEnd(this.#flush);
  }

  /** Flushes a little later: what may wait for company, and goes with whatever is flushed before. */
  linger(): void {
    if (this.#lingering || this.#scheduled || this.#closed) return;
    this.#lingering = true;
    setTimeout(() => {
      this.#lingering = false;
      this.flush();
    }, LINGER_MILLISECONDS).unref();
  }

  flush(): void {
    if (this.#closed) return;
    this.#scheduled = true;
    try {
      this.#owner?.flushing();
      this.#write();
    } catch (error) {
      this.fail(error);
    }
    this.#scheduled = false;
  }

  /** Tells the fault and ends the session (save for those that only concern this WebSocket; see `release`). */
  fault(code: FaultCode, message: string): void {
    if (this.#closed) return;
    this.#options.log.info({ fault: code, message }, 'fault');
    this.#options.tally.faults.add(code);
    this.send({ type: 'fault', code, message });
    this.#write();
    this.#ws.close(FAULTS[code].close, code);
    this.#end('fault');
  }

  /** Ends the session because of `error`. */
  fail(error: unknown): void {
    if (error instanceof ProtocolError && error.code !== 'internal') {
      this.fault(error.code, error.message);
    } else {
      this.#options.log.error({ error }, 'defect');
      this.fault('internal', 'internal error');
    }
  }

  /** The session goes on elsewhere, or has been ended: what happens here no longer concerns it. */
  release(): void {
    this.#owner = null;
  }

  /** Closes in good order. */
  close(): void {
    if (this.#closed) return;
    this.#write();
    this.#ws.close(NORMAL_CLOSE);
    this.#end('done');
  }

  /** Answers whether all of it is done and nothing of it kept. */
  #message(message: Uint8Array): boolean {
    if (this.#closed) return true;
    this.#lastHeard = this.#options.clock.monotonic();
    this.#spent = true;
    this.#inbox.add(message, this.#lastHeard);
    return this.#spent && !this.#inbox.waiting;
  }

  #perform(frames: readonly Frame[]): void {
    if (!this.#owner) {
      this.#spent = false;
      this.#open(frames);
    } else if (!this.#owner.frames(frames as ClientFrame[])) this.#spent = false;
  }

  #open(frames: readonly Frame[]): void {
    const [first, second] = frames;
    if (second) throw new ProtocolError('unexpected', `${second.type} before WELCOME`);
    if (this.#opening) throw new ProtocolError('unexpected', `${first?.type} before WELCOME`);
    if (first?.type === 'hello' || first?.type === 'resume') {
      const { door } = this.#options;
      const opened = first.type === 'hello' ? door.hello(this, first) : door.resume(this, first);
      this.#opening = opened instanceof Promise;
      if (opened instanceof Promise) opened.catch((error: unknown) => this.fail(error));
    } else if (first?.type === 'fault') this.close();
    else if (first) throw new ProtocolError('unexpected', `${first.type} before HELLO`);
  }

  /** Whether the frame at hand is likely to be the only one of this turn. */
  #isLonely(): boolean {
    return this.#lonely > LONELY_MESSAGES && this.#lonely % LONELY_MESSAGES > 0 && !this.#scheduled;
  }

  #write(): void {
    if (this.#gathered > 0) {
      this.#lonely = this.#gathered === 1 ? this.#lonely + 1 : 0;
      this.#gathered = 0;
    }
    if (this.#ws.readyState === this.#ws.OPEN) this.#out.flush();
    else this.#out.clear();
    const { waiting } = this.#out;
    if (waiting > this.#options.patienceBytes + (this.#owner?.grownBytes ?? 0) && !this.#deaf) {
      this.#deaf = true;
      this.#listen();
    }
    if (waiting > CONGESTED_BYTES && !this.#congested) {
      this.#congested = true;
      this.#owner?.congested(true);
    }
  }

  #drained(): void {
    if (this.#closed) return;
    if (this.#deaf) {
      this.#deaf = false;
      this.#listen();
    }
    if (this.#congested) {
      this.#congested = false;
      this.#owner?.congested(false);
    }
  }

  #listen(): void {
    if (this.#deaf || this.#held || this.#inbox.waiting) this.#ws.pause();
    else this.#ws.resume();
  }

  #keepAlive(): void {
    // Whom we do not listen to is not silent.
    const silence = this.#held || this.#inbox.waiting ? 0 : this.#options.clock.monotonic() - this.#lastHeard;
    if (silence >= this.#options.deadSeconds * 1000) {
      this.#options.tally.limits.add('deadSeconds');
      this.#ws.terminate();
    } else if (this.#owner) this.probe();
  }

  #end(ending: Ending): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#inbox.stop();
    // All that is still to be read is the answer to our close.
    this.#ws.resume();
    clearTimeout(this.#handshake);
    clearInterval(this.#keepalive);
    this.#options.guest.dismissed();
    const owner = this.#owner;
    this.#owner = null;
    owner?.closed(ending);
  }
}

function isDone(code: number): boolean {
  return code === NORMAL_CLOSE || code === PAGE_GONE;
}

function isFaultClose(code: number): boolean {
  return Object.values(FAULTS).some((fault) => fault.close === code);
}
