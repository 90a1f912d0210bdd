/** A host with virtual time, and wires in memory whose other end is a relay in miniature, with the link of the real one. */
import { createHmac } from 'node:crypto';
import { packEndpoint } from '@luasocket-web/shared/address';
import { decodeFrames, encodeFrame } from '@luasocket-web/shared/codec';
import type { ClientFrame, Frame, FrameOf, RelayFrame } from '@luasocket-web/shared/frames';
import { isSequenced, Link } from '@luasocket-web/shared/link';
import { resumeProof } from '@luasocket-web/shared/resume';
import type { Host } from '../../src/session/host.ts';
import type { OpenTransport, TransportEvents } from '../../src/transport/transport.ts';
import { LOCAL, PEER } from './scripted.ts';

interface Event {
  readonly at: number;
  readonly run: () => void;
}

const hmac = (key: Uint8Array, data: Uint8Array) => new Uint8Array(createHmac('sha256', key).update(data).digest());

export class VirtualHost implements Host {
  #now = 1000;
  #events: Event[] = [];
  hmac: Host['hmac'] = async (key, data) => hmac(key, data);

  now(): number {
    return this.#now;
  }

  /** An hour behind the relay. */
  wall(): number {
    return 1_000_000 + this.#now / 1000;
  }

  after(milliseconds: number, run: () => void): () => void {
    const event = { at: this.#now + milliseconds, run };
    this.#events.push(event);
    return () => {
      this.#events = this.#events.filter((other) => other !== event);
    };
  }

  soon(run: () => void): void {
    this.after(0, run);
  }

  report(error: unknown): void {
    this.after(0, () => {
      throw error;
    });
  }

  later(run: () => void): void {
    this.after(0, run);
  }

  random(): number {
    return 0.5;
  }

  /** Lets so many milliseconds pass, with all that happens in them. */
  async advance(milliseconds: number): Promise<void> {
    const until = this.#now + milliseconds;
    for (;;) {
      // Promises of the HMAC run on real time.
      await new Promise((resolve) => setImmediate(resolve));
      const next = this.#events.reduce<Event | null>(
        (best, event) => (best && best.at <= event.at ? best : event),
        null,
      );
      if (!next || next.at > until) break;
      this.#events = this.#events.filter((event) => event !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = until;
  }
}

/** One WebSocket, as the relay sees it. */
class Wire {
  open = true;
  readonly nonce: Uint8Array;
  readonly events: TransportEvents;
  /** How the client closed it. */
  closed: { code: number; reason: string } | null = null;

  constructor(events: TransportEvents, nonce: Uint8Array) {
    this.events = events;
    this.nonce = nonce;
  }
}

const KEY = Uint8Array.from({ length: 32 }, (_, index) => index);
const SESSION = Uint8Array.from({ length: 16 }, (_, index) => 100 + index);

/** Welcomes, resumes, and echoes streams. Tests bend it by its fields. */
export class MiniatureRelay {
  readonly host: VirtualHost;
  readonly link = new Link();
  /** Sequenced frames received, each once, in order; and the others. */
  readonly got: ClientFrame[] = [];
  readonly gotUnsequenced: ClientFrame[] = [];
  readonly wires: Wire[] = [];
  epoch = new Uint8Array(8);
  key = KEY;
  generation = 0;
  resumeSeconds = 30;
  /** Its name among others. */
  node: string | null = null;
  /** Where each WebSocket was opened. */
  readonly nodes: (string | null)[] = [];
  /** Milliseconds, one way. */
  latency = 5;
  /** Refuses WebSockets. */
  unreachable = false;
  /** Accepts WebSockets and says nothing. */
  mute = false;
  /** Bytes that are said to wait for each WebSocket that is opened from now on. */
  backlog = 0;
  /** Answers pings. */
  alive = true;
  refusal: FrameOf<'fault'> | null = null;
  /** What of the session is answered; by default all streams connect and echo. */
  respond: (frame: ClientFrame) => void = (frame) => this.#echo(frame);

  constructor(host: VirtualHost) {
    this.host = host;
  }

  readonly open: OpenTransport = (events, node) => {
    this.nodes.push(node);
    const wire = new Wire(
      events,
      Uint8Array.from({ length: 32 }, () => this.wires.length),
    );
    this.wires.push(wire);
    this.host.after(this.latency, () => {
      if (!wire.open) return;
      if (this.unreachable) {
        this.#drop(wire, 1006);
        return;
      }
      events.opened();
      if (!this.mute) this.#send(wire, { type: 'challenge', version: 1, nonce: wire.nonce, epoch: this.epoch });
    });
    return {
      backlog: this.backlog,
      send: (message) => {
        this.host.after(this.latency, () => {
          if (wire.open && !this.mute) for (const frame of decodeFrames(message, 'client')) this.#frame(wire, frame);
        });
      },
      close: (code, reason) => {
        wire.open = false;
        wire.closed ??= { code, reason };
      },
    };
  };

  get wire(): Wire | undefined {
    return this.wires.at(-1);
  }

  /** The network fails: what is under way is lost. */
  cut(code = 1006): void {
    if (this.wire) this.#drop(this.wire, code);
  }

  /** Sends a frame of the session, or keeps it for the resume. */
  tell(...frames: RelayFrame[]): void {
    for (const frame of frames) {
      if (isSequenced(frame.type)) this.link.sent(encodeFrame(frame as Frame));
      if (this.wire?.open) this.#send(this.wire, frame);
    }
  }

  #drop(wire: Wire, code: number): void {
    if (!wire.open) return;
    wire.open = false;
    wire.events.closed(code, '');
  }

  #send(wire: Wire, ...frames: RelayFrame[]): void {
    const message = Buffer.concat(frames.map((frame) => encodeFrame(frame as Frame)));
    this.host.after(this.latency, () => {
      if (wire.open) wire.events.message(message);
    });
  }

  #frame(wire: Wire, frame: Frame): void {
    switch (frame.type) {
      case 'hello':
        this.gotUnsequenced.push(frame);
        if (this.refusal) {
          this.#refuse(wire, this.refusal);
          return;
        }
        this.generation = 1;
        this.#send(wire, {
          type: 'welcome',
          version: 1,
          session: SESSION,
          key: this.key,
          epoch: this.epoch,
          mode: 'development',
          resumeSeconds: this.resumeSeconds,
          sockets: 1024,
          upload: 65_536,
          download: 65_536,
          time: this.host.wall() + 3600,
          node: this.node,
        });
        return;
      case 'resume':
        this.gotUnsequenced.push(frame);
        this.#resume(wire, frame);
        return;
      case 'ack':
        this.link.acknowledged(frame.received);
        return;
      case 'ping':
        if (this.alive) this.#send(wire, { type: 'pong', token: frame.token, time: this.host.wall() + 3600 });
        return;
      case 'pong':
      case 'fault':
      case 'datagram':
        this.gotUnsequenced.push(frame);
        return;
    }
    this.link.received(16);
    this.got.push(frame as ClientFrame);
    this.respond(frame as ClientFrame);
    if (this.link.ackDue(this.host.now())) this.tell({ type: 'ack', received: this.link.takeAck() });
  }

  #resume(wire: Wire, { session, generation, received, mac }: FrameOf<'resume'>): void {
    const expected = hmac(KEY, resumeProof('client', wire.nonce, session, generation, received));
    if (this.refusal || generation <= this.generation || Buffer.compare(mac, expected) !== 0) {
      const fault: FrameOf<'fault'> = {
        type: 'fault',
        code: 'not_resumable',
        message: 'the session cannot be resumed',
      };
      this.#refuse(wire, this.refusal ?? fault);
      return;
    }
    this.generation = generation;
    const again = this.link.replay(received);
    const told = this.link.takeAck();
    const proof = hmac(this.key, resumeProof('relay', wire.nonce, session, generation, told));
    // In one message with what is sent again.
    const resumed = encodeFrame({ type: 'resumed', received: told, mac: proof, time: this.host.wall() + 3600 });
    const message = Buffer.concat([resumed, ...again]);
    this.host.after(this.latency, () => {
      if (wire.open) wire.events.message(message);
    });
  }

  #refuse(wire: Wire, fault: FrameOf<'fault'>): void {
    this.#send(wire, fault);
  }

  #echo(frame: ClientFrame): void {
    if (frame.type === 'connect') {
      this.tell({ type: 'reply', request: frame.request, value: packEndpoint(LOCAL) });
      this.tell({ type: 'connected', socket: frame.socket, local: LOCAL, peer: PEER });
    } else if (frame.type === 'data') {
      this.tell({ type: 'credit', socket: frame.socket, bytes: frame.payload.length });
      this.tell({ type: 'data', socket: frame.socket, payload: frame.payload.slice() });
    } else if ('request' in frame) {
      this.tell({ type: 'reply', request: frame.request, value: null });
    }
  }
}
