/**
 * One WebSocket of a session: it opens, shakes hands (HELLO or RESUME, PROTOCOL.md sections 3 and 6), and from then on
 * passes messages, until it ends one way or another. What became of the session before or after is the connection's.
 */
import type { EndpointCache } from '@luasocket-web/shared/address';
import { decodeFrames, encodeFrame, MessageWriter } from '@luasocket-web/shared/codec';
import { FAULTS, ProtocolError } from '@luasocket-web/shared/errors';
import { FRAMES, type Frame, type FrameOf, PROTOCOL_VERSION } from '@luasocket-web/shared/frames';
import { HANDSHAKE_MILLISECONDS } from '@luasocket-web/shared/limits';
import { resumeProof } from '@luasocket-web/shared/resume';
import type { OpenTransport, Transport } from '../transport/transport.ts';
import { faultOf, faultOfClose } from './errors.ts';
import type { Host } from './host.ts';
import type { FrameTap } from './tap.ts';

/** A transport that takes longer than this to open is given up; slow networks need several round trips for TLS. */
const OPEN_MILLISECONDS = 10_000;
/** Characters of explanation in a FAULT. */
const EXPLANATION = 500;

export interface Message {
  /** Those of the message that are not the handshake's. */
  readonly frames: readonly Frame[];
  /** The whole message. */
  readonly bytes: Uint8Array;
}

/** How to introduce ourselves: as somebody new, or as the owner of a session. */
export type Introduction =
  | { readonly ticket: string | null; readonly leases: number }
  | {
      readonly session: Uint8Array;
      readonly key: Uint8Array;
      readonly epoch: Uint8Array;
      readonly node: string | null;
      readonly generation: number;
      readonly received: number;
      readonly hmac: (key: Uint8Array, data: Uint8Array) => Promise<Uint8Array>;
    };

interface AttachmentEvents {
  /** The relay has answered HELLO, so many seconds after it was sent. */
  welcomed(welcome: FrameOf<'welcome'>, roundtrip: number): void;
  /** The relay has answered RESUME and proven that it is the one. */
  resumed(received: number): void;
  /** A message with something for after the handshake. */
  message(message: Message): void;
  /** It is over: the relay's fault, the relay's close in good order (null), or why the WebSocket is of no use. */
  ended(why: ProtocolError | null | string): void;
  /** The relay broke the protocol. It is up to the owner to end it. */
  broken(error: ProtocolError): void;
}

/** What went over WebSockets so far. */
export interface Traffic {
  framesSent: number;
  framesReceived: number;
  messagesSent: number;
  messagesReceived: number;
  bytesSent: number;
  bytesReceived: number;
}

export interface AttachmentOptions {
  readonly open: OpenTransport;
  readonly introduction: Introduction;
  readonly host: Host;
  readonly tap: FrameTap;
  readonly traffic: Traffic;
  readonly endpoints: EndpointCache;
  readonly events: AttachmentEvents;
}

/** `opening` -> `greeting` -> (`verifying` ->) `attached`; any -> `over`. */
type Stage = 'opening' | 'greeting' | 'verifying' | 'attached' | 'over';

export class Attachment {
  readonly #options: AttachmentOptions;
  readonly #transport: Transport;
  readonly #writer = new MessageWriter();
  #stage: Stage = 'opening';
  #flushing = false;
  #flushingLater = false;
  #greetedAt = 0;
  /** CHALLENGE's, once it has come. */
  #nonce: Uint8Array | null = null;
  /** RESUME was sent. */
  #asked = false;
  /** What came after RESUMED, while its proof is being checked. */
  #held: Message[] = [];
  #cancelTimer: () => void;

  /** @throws when no WebSocket can be made at all. */
  constructor(options: AttachmentOptions) {
    this.#options = options;
    const events = {
      opened: () => this.#guard(() => this.#opened()),
      message: (bytes: Uint8Array) => this.#guard(() => this.#received(bytes)),
      closed: (code: number, reason: string) => this.#closed(code, reason),
    };
    this.#transport = options.open(events, 'key' in options.introduction ? options.introduction.node : null);
    this.#cancelTimer = options.host.after(OPEN_MILLISECONDS, () => this.#over('it does not answer'));
  }

  /** The handshake is done. */
  get attached(): boolean {
    return this.#stage === 'attached';
  }

  /** Bytes that have not left this machine. */
  get backlog(): number {
    return this.#transport.backlog;
  }

  /**
   * Sends an encoded frame with others: once what runs now is done (`hurry`), or when all is done that this turn of the
   * event loop sets off. Acknowledgements and credit are in no hurry: they go in one message, or with what is.
   */
  write(encoded: Uint8Array, hurry: boolean): void {
    if (this.#stage === 'over') return;
    if (!this.#writer.fits(encoded.length)) this.flush();
    this.#writer.add(encoded);
    this.#options.traffic.framesSent++;
    const { host } = this.#options;
    if (this.#flushing) return;
    if (hurry) {
      this.#flushing = true;
      host.soon(() => {
        this.#flushing = false;
        this.flush();
      });
    } else if (!this.#flushingLater) {
      this.#flushingLater = true;
      host.later(() => {
        this.#flushingLater = false;
        this.flush();
      });
    }
  }

  /** Sends a frame of the link. */
  send(frame: Frame, hurry = true): void {
    const encoded = encodeFrame(frame);
    const { tap } = this.#options;
    if (tap.listening) tap.frame('sent', frame, encoded.length);
    this.write(encoded, hurry);
  }

  flush(): void {
    if (this.#stage === 'over') return;
    const message = this.#writer.take();
    if (!message) return;
    this.#options.traffic.messagesSent++;
    this.#options.traffic.bytesSent += message.length;
    this.#transport.send(message);
  }

  /** Ends it, with a fault of the relay or in good order. No event follows. */
  close(fault: ProtocolError | null): void {
    if (this.#stage === 'over') return;
    if (this.#stage !== 'opening') {
      if (fault) this.send({ type: 'fault', code: fault.code, message: fault.message.slice(0, EXPLANATION) });
      this.flush();
    }
    this.#leave();
    this.#transport.close(fault ? FAULTS[fault.code].close : 1000, fault ? fault.code : '');
  }

  /** Ends it so that the session goes on without it: to the relay this is a lost connection. */
  abandon(): void {
    if (this.#stage === 'over') return;
    this.#leave();
    this.#transport.close(ABANDONED, '');
  }

  // --- the transport's events

  #opened(): void {
    if (this.#stage !== 'opening') return;
    this.#stage = 'greeting';
    const { host, introduction } = this.#options;
    this.#cancelTimer();
    this.#cancelTimer = host.after(HANDSHAKE_MILLISECONDS, () => this.#over('it does not finish the handshake'));
    if ('key' in introduction) return;
    this.#greetedAt = host.now();
    const { ticket, leases } = introduction;
    this.send({ type: 'hello', version: PROTOCOL_VERSION, ticket, leases });
  }

  #received(bytes: Uint8Array): void {
    if (this.#stage === 'over') return;
    const { traffic, endpoints } = this.#options;
    const frames = decodeFrames(bytes, 'relay', endpoints);
    traffic.messagesReceived++;
    traffic.bytesReceived += bytes.length;
    traffic.framesReceived += frames.length;
    this.#pass({ frames, bytes });
  }

  #closed(code: number, reason: string): void {
    if (code === 1000) this.#over(null);
    else this.#over(faultOfClose(code, reason) ?? (reason || `its WebSocket closed with code ${code}`));
  }

  // --- the handshake

  #pass({ frames, bytes }: Message): void {
    let next = 0;
    while (this.#stage === 'greeting' && next < frames.length) this.#greeting(frames[next++] as Frame);
    const message = { frames: next === 0 ? frames : frames.slice(next), bytes };
    if (this.#stage === 'verifying') this.#held.push(message);
    else if (this.#stage === 'attached' && message.frames.length > 0) this.#options.events.message(message);
  }

  #greeting(frame: Frame): void {
    const { introduction, tap } = this.#options;
    if (tap.listening && !FRAMES[frame.type].sequenced) tap.frame('received', frame);
    switch (frame.type) {
      case 'challenge':
        if (this.#nonce) break;
        this.#nonce = frame.nonce;
        if (!('key' in introduction)) return;
        if (equal(frame.epoch, introduction.epoch)) this.#resume(introduction, frame.nonce);
        else this.#over(faultOf('not_resumable', 'the relay was restarted, or another one answers'));
        return;
      case 'welcome':
        if (!this.#nonce || 'key' in introduction) break;
        this.#attach();
        this.#options.events.welcomed(frame, (this.#options.host.now() - this.#greetedAt) / 1000);
        return;
      case 'resumed':
        if (!this.#nonce || !('key' in introduction) || !this.#asked) break;
        this.#stage = 'verifying';
        this.#verify(introduction, this.#nonce, frame);
        return;
      case 'fault':
        this.#over(faultOf(frame.code, frame.message));
        return;
      case 'goaway':
        return;
    }
    throw new ProtocolError('unexpected', `${frame.type} during the handshake`);
  }

  #resume(owner: Owner, nonce: Uint8Array): void {
    const { session, generation, received } = owner;
    const proof = owner.hmac(owner.key, resumeProof('client', nonce, session, generation, received));
    this.#when(proof, (mac) => {
      this.#asked = true;
      this.send({ type: 'resume', version: PROTOCOL_VERSION, session, generation, received, mac });
    });
  }

  #verify(owner: Owner, nonce: Uint8Array, frame: FrameOf<'resumed'>): void {
    const proof = owner.hmac(owner.key, resumeProof('relay', nonce, owner.session, owner.generation, frame.received));
    this.#when(proof, (mac) => {
      if (!equal(mac, frame.mac)) throw new ProtocolError('unauthorized', 'the relay does not know the key');
      this.#attach();
      this.#options.events.resumed(frame.received);
      for (const message of this.#held.splice(0)) this.#pass(message);
    });
  }

  #attach(): void {
    this.#stage = 'attached';
    this.#cancelTimer();
  }

  // --- inside

  #when<T>(promise: Promise<T>, run: (value: T) => void): void {
    promise.then(
      (value) => {
        if (this.#stage !== 'over') this.#guard(() => run(value));
      },
      (error: unknown) => this.#over(`no HMAC could be made: ${error instanceof Error ? error.message : error}`),
    );
  }

  /** Runs `run`; what it finds wrong with the relay is told. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#options.events.broken(error);
    }
  }

  #over(why: ProtocolError | null | string): void {
    if (this.#stage === 'over') return;
    this.#leave();
    this.#transport.close(ABANDONED, '');
    this.#options.events.ended(why);
  }

  #leave(): void {
    this.#stage = 'over';
    this.#cancelTimer();
    this.#held = [];
    this.#writer.take();
  }
}

type Owner = Extract<Introduction, { key: Uint8Array }>;

/**
 * The code of a close frame that should not end the session: neither 1000 nor a fault, and of those a page may send
 * (4000 to 4999).
 */
const ABANDONED = 4999;

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
