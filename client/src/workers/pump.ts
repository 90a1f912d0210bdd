/**
 * The pump: the connection to the relay on behalf of a thread that blocks. It owns WebSockets, link, signs of life and
 * clock, moves the relay's messages into one ring and the thread's frames out of the other, and knows no sockets.
 */
import { encodeFrame } from '@luasocket-web/shared/codec';
import { FAULTS, type FaultCode, ProtocolError } from '@luasocket-web/shared/errors';
import { FRAMES, type Frame } from '@luasocket-web/shared/frames';
import { POOL_MAX } from '@luasocket-web/shared/limits';
import type { RelayState, WebSocketConstructor, WebSocketLike } from '../api.ts';
import { Connection } from '../session/connection.ts';
import { type Host, systemHost } from '../session/host.ts';
import type { FrameTap } from '../session/tap.ts';
import { Bell, needsMessages } from '../transport/bell.ts';
import { RingReader, RingWriter } from '../transport/ring.ts';
import { webSocketTransport } from '../transport/websocket.ts';
import { BEAT_MILLISECONDS, Control, type FromPump, INWARDS, OUTWARDS, STATES, type Start } from './memory.ts';
import { Mirror } from './mirror.ts';

/**
 * Bytes that wait here for room in the ring, at most: credit lets no relay send that much to a thread that takes
 * nothing. Credit counts payload, and a DATA of one byte has 13.
 */
const MAX_HELD = 16 * POOL_MAX;
/** Milliseconds for the last WebSocket to close in good order. */
const CLOSE_MILLISECONDS = 3000;
/** Bytes taken from the ring before messages and timers have their turn. */
const BYTES_IN_A_ROW = 4 * 1024 * 1024;

export interface PumpScope {
  readonly WebSocket: WebSocketConstructor;
  post(message: FromPump): void;
  /** Ends this thread. */
  close(): void;
}

export class Pump {
  readonly #scope: PumpScope;
  readonly #host: Host = systemHost();
  readonly #control: Control;
  readonly #mirror: Mirror;
  readonly #inward: RingWriter;
  readonly #outward: RingReader;
  readonly #bell: Bell;
  readonly #threadBell: Bell;
  readonly #connection: Connection;
  /** What found no room in the ring. */
  #held: { readonly kind: number; readonly bytes: Uint8Array }[] = [];
  #heldBytes = 0;
  #opened = false;
  #over = false;
  #publishing = false;
  /** WebSockets that have not closed. */
  #webSockets = 0;

  constructor(start: Start, scope: PumpScope) {
    this.#scope = scope;
    const { memory } = start;
    this.#control = new Control(memory);
    this.#mirror = new Mirror(this.#control.mirror, this.#control.mirrorAt);
    this.#inward = new RingWriter(memory.inward);
    this.#outward = new RingReader(memory.outward);
    this.#bell = new Bell(this.#control.bell('pumpBell'), null);
    this.#threadBell = new Bell(
      this.#control.bell('threadBell'),
      start.post ? () => scope.post({ type: 'bell' }) : null,
    );
    this.#connection = this.#connect(start.url, start.ticket);
  }

  start(): void {
    this.#scope.post({ type: 'started', post: needsMessages() });
    this.#beat();
    try {
      this.#connection.start();
    } catch (error) {
      this.#ended(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#bell.listen(() => this.#look());
  }

  /** Something here is broken: the session ends, for a thread that blocks must not wait for it. */
  abort(reason: unknown): void {
    this.#connection.abort(reason instanceof Error ? reason : new Error(String(reason)));
  }

  /** The blocking thread rang, where that takes a message. */
  posted(): void {
    this.#bell.posted(() => this.#look());
  }

  // --- the connection

  #connect(url: string, ticket: string | null): Connection {
    const WebSocket = this.#counted(this.#scope.WebSocket);
    return new Connection({
      // The class is asked for when a WebSocket is made, so that a bad URL fails in `start`.
      open: (events, node) => webSocketTransport(url, WebSocket)(events, node),
      host: this.#host,
      ticket,
      leases: 0,
      tap: this.#tap(),
      events: {
        welcomed: ({ sockets, upload, download }) => {
          this.#opened = true;
          this.#publish();
          this.#scope.post({ type: 'opened', terms: { sockets, upload, download } });
        },
        delivered: ({ frames, bytes }) => {
          if (frames.some(({ type }) => FRAMES[type].code >= FIRST_SESSION_FRAME)) this.#tell(INWARDS.message, bytes);
        },
        changed: (state) => this.#changed(state),
        resumed: () => this.#tell(INWARDS.resumed, NOTHING),
        ended: (error) => this.#ended(error),
      },
    });
  }

  #counted(WebSocket: WebSocketConstructor): WebSocketConstructor {
    const opened = (socket: WebSocketLike) => {
      this.#webSockets++;
      socket.addEventListener('close', () => {
        this.#webSockets--;
        if (this.#over && this.#webSockets === 0) this.#scope.close();
      });
      return socket;
    };
    return class {
      constructor(url: string) {
        // biome-ignore lint/correctness/noConstructorReturn: what `new` answers is the WebSocket itself
        return opened(new WebSocket(url));
      }
    } as WebSocketConstructor;
  }

  #tap(): FrameTap {
    const control = this.#control;
    return {
      get listening() {
        return control.get('tapped') === 1;
      },
      frame: (direction, frame: Frame) =>
        this.#tell(direction === 'sent' ? INWARDS.frameSent : INWARDS.frameReceived, encodeFrame(frame)),
    };
  }

  #changed(state: RelayState): void {
    // The end is told with its reason.
    if (state !== 'lost' && state !== 'closed') this.#tell(INWARDS.state, new Uint8Array([STATES.indexOf(state)]));
  }

  #ended(error: Error | null): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#opened) {
      this.#tell(INWARDS.ended, new Uint8Array([error ? 1 : 0, ...new TextEncoder().encode(error?.message)]));
    } else {
      this.#scope.post({ type: 'failed', message: error?.message ?? 'it was closed' });
    }
    if (this.#webSockets === 0) this.#scope.close();
    else this.#host.after(CLOSE_MILLISECONDS, () => this.#scope.close());
  }

  // --- to the blocking thread

  #tell(kind: number, bytes: Uint8Array): void {
    this.#publish();
    if (this.#held.length > 0 || !this.#inward.write(kind, bytes)) this.#hold(kind, bytes);
    this.#threadBell.ring();
  }

  #hold(kind: number, bytes: Uint8Array): void {
    this.#held.push({ kind, bytes });
    this.#heldBytes += bytes.length;
    // The flag is up before the last look, so that no room is missed.
    this.#control.set('pumpStalled', 1);
    this.#release();
    if (this.#heldBytes <= MAX_HELD) return;
    this.#heldBytes = 0;
    this.#connection.fault(new ProtocolError('overrun', 'more than there is credit for'));
  }

  /** Puts into the ring what has room now. */
  #release(): void {
    let count = 0;
    for (const { kind, bytes } of this.#held) {
      if (!this.#inward.write(kind, bytes)) break;
      this.#heldBytes -= bytes.length;
      count++;
    }
    if (count === 0) return;
    this.#held.splice(0, count);
    if (this.#held.length === 0) this.#control.set('pumpStalled', 0);
    this.#threadBell.ring();
  }

  #beat(): void {
    this.#control.beat();
    this.#publish();
    this.#host.after(BEAT_MILLISECONDS, () => this.#beat());
  }

  #publish(): void {
    const connection = this.#connection;
    this.#mirror.write({
      ...connection.traffic,
      resumes: connection.resumes,
      roundtrip: connection.roundtrip ?? Number.NaN,
      offset: connection.time() - (performance.timeOrigin + this.#host.now()) / 1000,
    });
  }

  // --- from the blocking thread

  #look(): void {
    // Who rings may want to know no more than whether anybody is here; timers can be slow in a page that is hidden.
    this.#control.beat();
    if (this.#held.length > 0) this.#release();
    let taken = 0;
    // Datagrams are never acknowledged.
    const room = (bytes: number, kind: number) =>
      kind === OUTWARDS.sequenced ? this.#connection.room(bytes) : new Uint8Array(bytes);
    for (let record = this.#outward.read(room); record; record = this.#outward.read(room)) {
      this.#take(record.kind, record.bytes);
      taken += record.bytes.length;
      if (taken < BYTES_IN_A_ROW) continue;
      this.#host.after(0, () => this.#bell.ring());
      break;
    }
    if (taken === 0) return;
    if (this.#control.get('threadStalled') === 1) this.#threadBell.ring();
    // After what was sent in this turn has left in its messages.
    if (this.#publishing) return;
    this.#publishing = true;
    this.#host.soon(() => {
      this.#publishing = false;
      this.#publish();
    });
  }

  #take(kind: number, bytes: Uint8Array): void {
    switch (kind) {
      case OUTWARDS.sequenced:
        this.#connection.send(bytes, true, true);
        return;
      case OUTWARDS.datagram:
        this.#connection.send(bytes, false, true);
        return;
      case OUTWARDS.fault: {
        const [code = '', message = ''] = new TextDecoder().decode(bytes).split('\n');
        const known = Object.hasOwn(FAULTS, code) ? (code as FaultCode) : 'internal';
        this.#connection.fault(new ProtocolError(known, message));
        return;
      }
      case OUTWARDS.close:
        this.#connection.close();
        return;
    }
  }
}

const NOTHING = new Uint8Array(0);
/** Lower numbers are the link's (PROTOCOL.md, section 2). */
const FIRST_SESSION_FRAME = 16;
