/**
 * The connection to a relay, over as many WebSockets as it takes: the link (sequence numbers, acknowledgement, replay;
 * PROTOCOL.md, section 6), signs of life, and going on when a WebSocket is lost.
 *
 * It moves encoded frames and knows no sockets, requests or credit: those are the session's, which it hands each
 * message to and takes frames from. Both talk through bytes and plain calls, so that the two may live in two threads.
 */
import { EndpointCache } from '@luasocket-web/shared/address';
import { ClockEstimate } from '@luasocket-web/shared/clock';
import { ProtocolError } from '@luasocket-web/shared/errors';
import type { Frame, FrameOf } from '@luasocket-web/shared/frames';
import { ACK_BYTES } from '@luasocket-web/shared/limits';
import { isSequenced, Link } from '@luasocket-web/shared/link';
import type { RelayState } from '../api.ts';
import type { OpenTransport } from '../transport/transport.ts';
import { Attachment, type Introduction, type Message, type Traffic } from './attachment.ts';
import { backoff } from './backoff.ts';
import { faultOf, isPassing } from './errors.ts';
import { FrameMemory } from './frame-memory.ts';
import type { Host } from './host.ts';
import { Keepalive } from './keepalive.ts';
import type { FrameTap } from './tap.ts';
import type { Outbox, Path } from './wire.ts';

/** Bytes that wait in the transport, beside those of streams, before datagrams are dropped, as a full interface queue does. */
const DATAGRAM_BACKLOG = 1024 * 1024;

export type Welcome = FrameOf<'welcome'>;

export interface ConnectionEvents {
  /** The session stands. Before anything is delivered. */
  welcomed(welcome: Welcome): void;
  /** A message for the session; the link's own frames are still in it, and already dealt with. */
  delivered(message: Message): void;
  changed(state: RelayState): void;
  /** The session goes on over another WebSocket. */
  resumed(): void;
  /** The last event. `error`: why it is lost; null when it was closed in good order. */
  ended(error: Error | null): void;
}

export interface ConnectionOptions {
  readonly open: OpenTransport;
  readonly host: Host;
  readonly tap: FrameTap;
  readonly events: ConnectionEvents;
  readonly ticket: string | null;
  /** Ephemeral ports to hold in advance, per kind and family (PROTOCOL.md, section 8). */
  readonly leases: number;
}

export class Connection implements Outbox, Path {
  readonly traffic: Traffic = {
    framesSent: 0,
    framesReceived: 0,
    messagesSent: 0,
    messagesReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
  };
  readonly #options: ConnectionOptions;
  readonly #host: Host;
  readonly #events: ConnectionEvents;
  readonly #memory = new FrameMemory();
  readonly #link = new Link((encoded) => this.#memory.release(encoded));
  readonly #clock = new ClockEstimate();
  readonly #keepalive: Keepalive;
  readonly #endpoints = new EndpointCache();
  #state: RelayState = 'connecting';
  /** The session's identity, from WELCOME. */
  #welcome: Welcome | null = null;
  #attachment: Attachment | null = null;
  /** HELLO is the first, each RESUME counts one more. */
  #generation = 1;
  #resumes = 0;
  /** On the host's clock: when the relay gives the session up. */
  #expiry = 0;
  /** Attempts to resume since the last success. */
  #attempts = 0;
  #cancelRetry: (() => void) | null = null;
  #cancelAck: (() => void) | null = null;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#host = options.host;
    this.#events = options.events;
    this.#keepalive = new Keepalive(options.host, this.#clock, {
      ping: (token) => {
        this.#memory.calm();
        this.#attachment?.send({ type: 'ping', token });
      },
      dead: () => this.#dropped('nothing was heard from it'),
    });
  }

  get state(): RelayState {
    return this.#state;
  }

  get resumes(): number {
    return this.#resumes;
  }

  /** The smallest roundtrip over this WebSocket, in seconds; null before the first. */
  get roundtrip(): number | null {
    return this.#keepalive.roundtrip;
  }

  /** Seconds, monotonic. */
  now(): number {
    return this.#host.now() / 1000;
  }

  /** Seconds since 1970 by the relay's clock. */
  time(): number {
    return this.#clock.now(this.now());
  }

  /** Begins. @throws when no WebSocket can be made of the URL. */
  start(): void {
    this.#attach({ ticket: this.#options.ticket, leases: this.#options.leases });
  }

  get busy(): boolean {
    // Not by what waits alone: it may be datagrams, which nobody acknowledges.
    return this.#link.unacknowledgedBytes >= ACK_BYTES && (this.#attachment?.backlog ?? 0) >= ACK_BYTES;
  }

  room(bytes: number): Uint8Array<ArrayBuffer> {
    return this.#memory.take(bytes);
  }

  send(encoded: Uint8Array, sequenced: boolean, hurry: boolean): void {
    if (this.#over) return;
    if (sequenced) this.#link.sent(encoded);
    const attachment = this.#attachment;
    // What is sequenced is sent again when the session goes on; the rest is lost with its WebSocket, as datagrams are.
    if (!attachment?.attached) return;
    const most = DATAGRAM_BACKLOG + this.#link.unacknowledgedBytes;
    if (sequenced || attachment.backlog <= most) attachment.write(encoded, hurry);
  }

  fault(error: ProtocolError): void {
    this.#attachment?.close(error);
    this.#end('lost', error);
  }

  /** Ends the session in good order, after what was sent. */
  close(): void {
    this.#attachment?.close(null);
    this.#end('closed', null);
  }

  /** Gives up, in whatever state. */
  abort(error: Error): void {
    this.#attachment?.close(null);
    this.#end('lost', error);
  }

  // --- WebSockets come and go

  get #over(): boolean {
    return this.#state === 'lost' || this.#state === 'closed';
  }

  #attach(introduction: Introduction): void {
    // Each event is of this attachment: once it is over, or was left, it tells nothing more.
    this.#attachment = new Attachment({
      open: this.#options.open,
      introduction,
      host: this.#host,
      tap: this.#options.tap,
      traffic: this.traffic,
      endpoints: this.#endpoints,
      events: {
        welcomed: (welcome, roundtrip) => this.#welcomed(welcome, roundtrip),
        resumed: (received) => this.#resumed(received),
        message: (message) => this.#message(message),
        ended: (why) => this.#ended(why),
        broken: (error) => this.fault(error),
      },
    });
  }

  #welcomed(welcome: Welcome, roundtrip: number): void {
    // Copies, for the message that these are views of can be large.
    const { session, key, epoch } = welcome;
    this.#welcome = { ...welcome, session: session.slice(), key: key.slice(), epoch: epoch.slice() };
    const now = this.now();
    this.#clock.sample(now - roundtrip, now, welcome.time);
    this.#events.welcomed(this.#welcome);
    this.#change('connected');
    this.#keepalive.start();
  }

  #resumed(received: number): void {
    const attachment = this.#attachment;
    const again = this.#link.replay(received);
    for (const encoded of again) attachment?.write(encoded, true);
    this.#resumes++;
    this.#keepalive.start();
    this.#change('connected');
    this.#events.resumed();
  }

  #ended(why: ProtocolError | null | string): void {
    if (typeof why === 'string') this.#dropped(why);
    else if (!this.#welcome)
      this.#end('lost', new Error(why ? `the relay refused: ${why.message}` : 'the relay closed'));
    else if (!why) this.#end('closed', null);
    else if (this.#state === 'reconnecting' && isPassing(why)) this.#dropped(why.message);
    else this.#end('lost', why);
  }

  /** The WebSocket, or the attempt to open one, came to nothing. */
  #dropped(why: string): void {
    if (this.#over) return;
    this.#attachment?.abandon();
    this.#detach();
    const welcome = this.#welcome;
    if (!welcome) {
      this.#end('lost', new Error(`the relay cannot be reached: ${why}`));
      return;
    }
    const { hmac } = this.#host;
    if (!hmac) {
      this.#end('lost', new Error(`the relay was lost (${why}); insecure pages cannot resume`));
      return;
    }
    const now = this.#host.now();
    if (this.#state !== 'reconnecting') {
      this.#expiry = now + welcome.resumeSeconds * 1000;
      this.#attempts = 0;
      this.#change('reconnecting');
      // Who was told of it may have closed it.
      if (this.#over) return;
    }
    const wait = backoff(this.#attempts++, this.#host.random());
    if (now + wait >= this.#expiry) {
      this.#end('lost', new Error(`the relay was lost for too long: ${why}`));
      return;
    }
    this.#cancelRetry = this.#host.after(wait, () => {
      const { session, key, epoch, node } = welcome;
      const received = this.#link.takeAck();
      this.#attach({ session, key, epoch, node, generation: ++this.#generation, received, hmac });
    });
  }

  // --- the link

  #message(message: Message): void {
    const attachment = this.#attachment;
    this.#keepalive.heard();
    let sequenced = false;
    for (const frame of message.frames) {
      if (isSequenced(frame.type)) {
        // Of the bytes only the sum matters.
        this.#link.received(sequenced ? 0 : message.bytes.length);
        sequenced = true;
      } else {
        this.#linkFrame(frame);
        if (attachment !== this.#attachment) return;
      }
    }
    this.#events.delivered(message);
    if (attachment === this.#attachment && sequenced) this.#acknowledge();
  }

  #linkFrame(frame: Frame): void {
    if (this.#options.tap.listening && frame.type !== 'datagram') this.#options.tap.frame('received', frame);
    switch (frame.type) {
      case 'ack':
        this.#link.acknowledged(frame.received);
        return;
      case 'ping':
        this.#attachment?.send({ type: 'pong', token: frame.token, time: this.#host.wall() });
        return;
      case 'pong':
        this.#keepalive.pong(frame.token, frame.time);
        return;
      case 'fault':
        this.#attachment?.close(null);
        this.#end('lost', faultOf(frame.code, frame.message));
        return;
      case 'goaway':
      case 'datagram':
        return;
    }
    throw new ProtocolError('unexpected', `${frame.type} after the handshake`);
  }

  /** Sends ACK if one is due, else makes sure that somebody looks when it is. */
  #acknowledge(): void {
    if (this.#link.ackDue(this.#host.now())) {
      // A timer that runs is left to: it will look again.
      this.#attachment?.send({ type: 'ack', received: this.#link.takeAck() }, false);
    } else if (!this.#cancelAck && this.#link.ackAt() !== Number.POSITIVE_INFINITY) {
      this.#cancelAck = this.#host.after(Math.max(0, this.#link.ackAt() - this.#host.now()), () => {
        this.#cancelAck = null;
        this.#acknowledge();
      });
    }
  }

  // --- inside

  #change(state: RelayState): void {
    this.#state = state;
    this.#events.changed(state);
  }

  #detach(): void {
    this.#attachment = null;
    this.#keepalive.stop();
    this.#cancelAck?.();
    this.#cancelAck = null;
    this.#cancelRetry?.();
    this.#cancelRetry = null;
  }

  #end(state: 'lost' | 'closed', error: Error | null): void {
    if (this.#over) return;
    this.#detach();
    this.#state = state;
    // Sockets know before anybody is told who may ask them.
    this.#events.ended(error);
    this.#events.changed(state);
  }
}
