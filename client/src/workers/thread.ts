/**
 * The blocking thread's end of a session whose connection a pump holds: sockets and requests live here. It takes in what
 * the pump put into the ring whenever it runs, and blocks until the pump rings.
 */
import { ClockEstimate } from '@luasocket-web/shared/clock';
import { decodeFrames } from '@luasocket-web/shared/codec';
import type { ProtocolError } from '@luasocket-web/shared/errors';
import type { RelayState, RelayStats, RelayStatus } from '../api.ts';
import type { Channel } from '../core/channel.ts';
import { FrameMemory } from '../session/frame-memory.ts';
import { Multiplexer, type Terms } from '../session/multiplexer.ts';
import { SessionChannel } from '../session/session.ts';
import { Status } from '../session/status.ts';
import type { Outbox, Path } from '../session/wire.ts';
import { report } from '../soon.ts';
import { Bell } from '../transport/bell.ts';
import { RingReader, type RingRecord, RingWriter } from '../transport/ring.ts';
import type { Blocker } from '../wait/block.ts';
import { BEAT_MILLISECONDS, Control, INWARDS, type Memory, OUTWARDS, STATES } from './memory.ts';
import { Mirror } from './mirror.ts';

/** The longest that is waited without looking for the pump's signs of life, in milliseconds. */
const SLICE_MILLISECONDS = 2 * BEAT_MILLISECONDS;
/** The pump is dead when it gave no sign of life while this thread waited so long; time spent elsewhere tells nothing. */
const DEAD_MILLISECONDS = 10 * BEAT_MILLISECONDS;

export interface ThreadOptions {
  readonly memory: Memory;
  readonly terms: Terms;
  /** Sends the pump a message on which it looks; null where it needs none. */
  readonly post: (() => void) | null;
  /** The pump is of no use any more: `dead` when it gives no sign of life. */
  ended(dead: boolean): void;
}

export class Thread implements Outbox, Path, Blocker {
  readonly channel: Channel;
  readonly #options: ThreadOptions;
  readonly #control: Control;
  readonly #mirror: Mirror;
  readonly #clock = new ClockEstimate();
  readonly #inward: RingReader;
  readonly #outward: RingWriter;
  readonly #memory = new FrameMemory();
  readonly #bell: Bell;
  readonly #pumpBell: Bell;
  readonly #status: Status;
  readonly #sockets: Multiplexer;
  #stopListening: (() => void) | null = null;
  #state: RelayState = 'connected';
  /** How often the bell had rung when the ring was last looked at. */
  #seen = 0;
  /** A message is being taken in. */
  #delivering = false;
  /** Calls that run: what they send leaves when they wait or are done. */
  #held = 0;
  #unrung = false;
  #tapped = false;
  #mirrored = 0;
  /** The pump's last sign of life, and for how long this thread has waited since then. */
  #beat = 0;
  #silence = 0;

  constructor(options: ThreadOptions) {
    const { memory, terms, post } = options;
    this.#options = options;
    this.#control = new Control(memory);
    this.#mirror = new Mirror(this.#control.mirror, this.#control.mirrorAt);
    this.#inward = new RingReader(memory.inward);
    this.#outward = new RingWriter(memory.outward);
    this.#bell = new Bell(this.#control.bell('threadBell'), null);
    this.#pumpBell = new Bell(this.#control.bell('pumpBell'), post);
    this.#status = this.#newStatus();
    this.#sockets = new Multiplexer(terms, this, this.#status, 0, this);
    this.channel = new SessionChannel(this.#sockets, this);
  }

  /** Begins to take in what comes whenever the event loop runs. */
  start(): void {
    this.#stopListening = this.#bell.listen(() => this.take());
  }

  get relay(): RelayStatus {
    return this.#status;
  }

  /** Closes all sockets and the connection in good order. */
  close(): void {
    if (this.#over) return;
    this.#sockets.closeAll();
    this.#write(OUTWARDS.close, NOTHING);
    this.#end('closed', false);
  }

  /** The pump's message has come; see Bell. */
  posted(): void {
    this.#bell.posted(() => this.take());
  }

  /** The pump's thread is no more. */
  lost(): void {
    this.take();
    this.#end('lost', true, PUMP_GONE);
  }

  // --- clocks

  /** Seconds, monotonic. */
  now(): number {
    return performance.now() / 1000;
  }

  /** Seconds since 1970 by the relay's clock. */
  time(): number {
    const { version } = this.#mirror;
    const now = this.now();
    if (version !== this.#mirrored) {
      this.#mirrored = version;
      const { offset } = this.#mirror.read();
      // Clocks of threads begin at different times, and are the same from 1970 on.
      this.#clock.sample(now, now, performance.timeOrigin / 1000 + now + offset);
    }
    return this.#clock.now(now);
  }

  /** The smallest roundtrip in seconds; null before the first. */
  get roundtrip(): number | null {
    const { roundtrip } = this.#mirror.read();
    return Number.isNaN(roundtrip) ? null : roundtrip;
  }

  // --- the multiplexer's outbox

  /** What waits for the WebSocket is in another thread. */
  get busy(): boolean {
    return false;
  }

  room(bytes: number): Uint8Array {
    return this.#memory.take(bytes);
  }

  send(encoded: Uint8Array, sequenced: boolean): void {
    this.#write(sequenced ? OUTWARDS.sequenced : OUTWARDS.datagram, encoded);
    // The ring has a copy.
    this.#memory.release(encoded);
  }

  fault({ code, message }: ProtocolError): void {
    this.#write(OUTWARDS.fault, new TextEncoder().encode(`${code}\n${message}`));
    this.#end('lost', false, message);
  }

  // --- what the waiter asks

  hold(): void {
    this.#held++;
  }

  release(): void {
    this.#held--;
    this.#flush();
  }

  take(): void {
    this.#seen = this.#bell.count;
    // A listener that is called for a frame looks no further than that frame.
    if (this.#delivering) return;
    this.#tellTap();
    let some = false;
    for (
      let record = this.#over ? null : this.#inward.read();
      record;
      record = this.#over ? null : this.#inward.read()
    ) {
      some = true;
      this.#record(record);
    }
    if (some && this.#control.get('pumpStalled') === 1) this.#ringPump();
  }

  wait(deadline: number): void {
    if (this.#delivering) throw new Error("a listener of 'frame' or 'denied' cannot wait");
    this.#flush();
    this.#block(this.#seen, (deadline - this.now()) * 1000);
  }

  // --- inside

  get #over(): boolean {
    return this.#state === 'lost' || this.#state === 'closed';
  }

  #newStatus(): Status {
    const thread = this;
    return new Status({
      get state() {
        thread.take();
        return thread.#state;
      },
      stats: () => this.#stats(),
      sockets: () => this.#sockets.snapshots(),
      wall: () => Date.now() / 1000,
      report,
      close: () => this.close(),
    });
  }

  #stats(): RelayStats {
    const { offset: _, ...counts } = this.#mirror.read();
    return { ...counts, sockets: this.#sockets.size, roundtrip: this.roundtrip };
  }

  /** The pump looks at the frames of the link only while somebody listens here. */
  #tellTap(): void {
    const { listening } = this.#status;
    if (listening === this.#tapped) return;
    this.#tapped = listening;
    this.#control.set('tapped', listening ? 1 : 0);
  }

  #record({ kind, bytes }: RingRecord): void {
    switch (kind) {
      case INWARDS.message:
        this.#deliver(bytes);
        return;
      case INWARDS.state:
        this.#change(STATES[bytes[0] ?? 0] ?? 'connected');
        return;
      case INWARDS.resumed:
        this.#status.resumed();
        return;
      case INWARDS.ended:
        // A copy: text is not read from shared memory.
        this.#end(bytes[0] ? 'lost' : 'closed', false, new TextDecoder().decode(bytes.slice(1)) || null);
        return;
      case INWARDS.frameSent:
      case INWARDS.frameReceived:
        this.#frame(kind === INWARDS.frameSent ? 'sent' : 'received', bytes);
        return;
    }
  }

  #change(state: RelayState): void {
    if (state === this.#state) return;
    this.#state = state;
    if (state === 'reconnecting') this.#sockets.detach();
    else if (state === 'connected') this.#sockets.attach();
    this.#status.changed(state);
  }

  #deliver(message: Uint8Array): void {
    this.#delivering = true;
    try {
      this.#sockets.deliver(message);
    } finally {
      this.#delivering = false;
    }
  }

  #frame(direction: 'sent' | 'received', bytes: Uint8Array): void {
    if (!this.#status.listening) return;
    for (const frame of decodeFrames(bytes, direction === 'sent' ? 'client' : 'relay')) {
      this.#status.frame(direction, frame, bytes.length);
    }
  }

  /** Puts a record into the ring, waiting for room if need be: the pump always makes some, unless it is dead. */
  #write(kind: number, bytes: Uint8Array): void {
    if (this.#over) return;
    if (!this.#outward.write(kind, bytes)) {
      this.#control.set('threadStalled', 1);
      for (;;) {
        const { count } = this.#bell;
        if (this.#outward.write(kind, bytes)) break;
        this.#ringPump();
        this.#block(count, SLICE_MILLISECONDS);
        if (this.#over) return;
      }
      this.#control.set('threadStalled', 0);
    }
    this.#unrung = true;
    if (this.#held === 0) this.#flush();
  }

  #flush(): void {
    if (this.#unrung) this.#ringPump();
  }

  #ringPump(): void {
    this.#unrung = false;
    this.#pumpBell.ring();
  }

  /** Blocks until the bell has rung since `count` was read, for some time at most. A pump that is dead ends the session. */
  #block(count: number, milliseconds: number): void {
    const began = performance.now();
    // The session's end leaves nobody to look for.
    const limit = this.#over ? milliseconds : Math.min(milliseconds, SLICE_MILLISECONDS);
    this.#bell.wait(count, limit);
    if (this.#over) return;
    const beat = this.#control.get('beat');
    if (beat !== this.#beat) {
      this.#beat = beat;
      this.#silence = 0;
      return;
    }
    // A machine that was suspended meanwhile has not waited.
    this.#silence += Math.min(performance.now() - began, SLICE_MILLISECONDS);
    if (this.#silence >= DEAD_MILLISECONDS) this.#end('lost', true, PUMP_GONE);
    // It answers a ring with a sign of life.
    else if (this.#silence >= SLICE_MILLISECONDS) this.#ringPump();
  }

  #end(state: 'lost' | 'closed', dead: boolean, reason: string | null = null): void {
    if (this.#over) return;
    this.#flush();
    this.#state = state;
    this.#status.reason = reason;
    this.#stopListening?.();
    this.#sockets.end();
    this.#status.changed(state);
    this.#options.ended(dead);
  }
}

const NOTHING = new Uint8Array(0);
const PUMP_GONE = 'the worker is gone';
