/**
 * Both ends joined in memory under virtual time: codec, link and flow control as a session uses them, over wires with
 * latency that may be cut after any message. Streams carry bytes that tell their place, so that nothing can be lost,
 * doubled or reordered unseen.
 */
import { BulkLimit } from '@luasocket-web/shared/bulk-limit';
import { decodeFrames, encodeFrame, MessageWriter } from '@luasocket-web/shared/codec';
import { ReceivePool, SendPool } from '@luasocket-web/shared/flow';
import type { Frame } from '@luasocket-web/shared/frames';
import { MAX_DATA } from '@luasocket-web/shared/limits';
import { isSequenced, Link } from '@luasocket-web/shared/link';
import { Timeline } from './timeline.ts';

export interface Reader {
  /** Bytes taken at once, and milliseconds between; 0 bytes: never reads. Null takes all at once. */
  readonly bytes: number;
  readonly every: number;
}

export interface PairOptions {
  readonly latency: number;
  /** Bytes of the pool of each direction. */
  readonly pool: number;
  /** Whether the frames of a turn share a message, or each has its own (so that it can be cut off). */
  readonly gather: boolean;
  /** The wires are cut after this many messages delivered, counted over both directions from the start. */
  readonly cuts?: readonly number[];
  /** Milliseconds from a cut to the resume. */
  readonly gap?: number;
  /** Whether what was taken is kept back as far as PROTOCOL.md lets a receiver do so, section 5. */
  readonly savesUp?: boolean;
}

/** A receiver that gives back as little as it may, as late as it may. */
class Saver {
  readonly #from: number;
  readonly #bySocket = new Map<number, { outstanding: number; untold: number }>();

  constructor(pool: number) {
    this.#from = Math.min(pool / 4, 49_152);
  }

  received(socket: number, bytes: number): void {
    const { outstanding, untold } = this.#of(socket);
    this.#bySocket.set(socket, { outstanding: outstanding + bytes, untold });
  }

  consumed(socket: number, bytes: number): void {
    this.#of(socket).untold += bytes;
  }

  takeCredits(): [socket: number, bytes: number][] {
    let outstanding = 0;
    for (const each of this.#bySocket.values()) outstanding += each.outstanding;
    if (outstanding < this.#from) return [];
    const credits: [socket: number, bytes: number][] = [];
    for (const [socket, each] of this.#bySocket) {
      const bytes = each.untold - 511;
      if (bytes <= 0 || each.untold < each.outstanding) continue;
      each.untold -= bytes;
      each.outstanding -= bytes;
      credits.push([socket, bytes]);
    }
    return credits;
  }

  grow(): void {}

  #of(socket: number): { outstanding: number; untold: number } {
    return this.#bySocket.get(socket) ?? { outstanding: 0, untold: 0 };
  }
}

type Name = 'client' | 'relay';

/** Bytes that repeat after a prime number of them, so that no shift goes unseen; each stream begins elsewhere. */
const PERIOD = 65_521;
const PATTERN = Buffer.from(
  Array.from({ length: PERIOD + MAX_DATA }, (_, i) => Math.imul(i % PERIOD, 2654435761) >>> 24),
);
const patternOf = (socket: number, index: number, length: number) => {
  const from = (socket * 997 + index) % PERIOD;
  return PATTERN.subarray(from, from + length);
};

class Outgoing {
  sent = 0;
  total = 0;
}

class Incoming {
  received = 0;
  unread = 0;
  busy = false;
}

export class End {
  readonly name: Name;
  readonly link = new Link();
  readonly sending: SendPool;
  readonly limit: BulkLimit;
  readonly receiving: Pick<ReceivePool, 'received' | 'consumed' | 'takeCredits' | 'grow'>;
  readonly outgoing = new Map<number, Outgoing>();
  readonly incoming = new Map<number, Incoming>();
  readonly readers = new Map<number, Reader>();
  /** Sequenced frames other than DATA and CREDIT, as said and as heard. */
  readonly said: Frame[] = [];
  readonly heard: Frame[] = [];
  readonly counts = { acks: 0, credits: 0, data: 0, sequenced: 0, bytes: 0 };
  /** The most that was ever outstanding, unread here, and unacknowledged. */
  readonly peaks = { outstanding: 0, unread: 0, unacknowledged: 0 };
  #queue: Uint8Array[] = [];
  #waitsUntil = Number.POSITIVE_INFINITY;
  readonly #pair: Pair;

  constructor(name: Name, pair: Pair, pool: number) {
    this.name = name;
    this.#pair = pair;
    this.sending = new SendPool(pool);
    this.limit = new BulkLimit(this.sending, { now: () => pair.timeline.now, roundtrip: () => pair.roundtrip });
    this.receiving = pair.options.savesUp ? new Saver(pool) : new ReceivePool(pool);
  }

  /** Begins to send `bytes` more on a stream. */
  write(socket: number, bytes: number): void {
    const stream = this.outgoing.get(socket) ?? new Outgoing();
    stream.total += bytes;
    this.outgoing.set(socket, stream);
    this.#pump(socket, stream);
    this.turn();
  }

  say(frame: Frame): void {
    if (frame.type !== 'data' && frame.type !== 'credit' && isSequenced(frame.type)) this.said.push(frame);
    this.#put(frame);
  }

  /** One turn: hears a message if there is one, then sends what there is to send, in one go. Only credit helps those who wait for it. */
  turn(message?: Uint8Array): void {
    const frames = message ? decodeFrames(message, this.name === 'client' ? 'relay' : 'client') : [];
    for (const frame of frames) this.#hear(frame);
    if (frames.some(({ type }) => type === 'credit')) this.pump();
    for (const [socket, bytes] of this.receiving.takeCredits()) {
      this.counts.credits++;
      this.#put({ type: 'credit', socket, bytes });
    }
    this.#acknowledge();
    this.#flush();
  }

  /** The WebSocket is gone, and what was on its way. */
  cut(): void {
    this.#queue = [];
  }

  /** On a new WebSocket, to a peer that has heard `received` frames. */
  resume(received: number): void {
    this.#queue = this.link.replay(received);
    this.#flush();
    this.pump();
    this.turn();
  }

  /** There may be credit for those who wait for it. */
  pump(): void {
    for (const [socket, stream] of this.outgoing) this.#pump(socket, stream);
  }

  #put(frame: Frame): void {
    const encoded = encodeFrame(frame);
    if (isSequenced(frame.type)) this.link.sent(encoded);
    if (this.#pair.connected) this.#queue.push(encoded);
    this.peaks.unacknowledged = Math.max(this.peaks.unacknowledged, this.link.unacknowledgedBytes);
  }

  #flush(): void {
    const writer = new MessageWriter();
    for (const encoded of this.#queue) {
      if (!writer.fits(encoded.length) || !this.#pair.options.gather) this.#transmit(writer);
      writer.add(encoded);
    }
    this.#transmit(writer);
    this.#queue = [];
  }

  #transmit(writer: MessageWriter): void {
    const message = writer.take();
    if (message) this.#pair.transmit(this, message);
  }

  #acknowledge(): void {
    const { timeline } = this.#pair;
    if (this.#pair.connected && this.link.ackDue(timeline.now)) {
      this.counts.acks++;
      this.#put({ type: 'ack', received: this.link.takeAck() });
    }
    const at = this.link.ackAt();
    if (at < this.#waitsUntil) {
      this.#waitsUntil = at;
      timeline.at(at, () => {
        this.#waitsUntil = Number.POSITIVE_INFINITY;
        if (this.#pair.connected) this.turn();
      });
    }
  }

  #pump(socket: number, stream: Outgoing): void {
    for (;;) {
      const left = stream.total - stream.sent;
      const room = this.limit.allowance(socket);
      const length = Math.min(left, room, MAX_DATA);
      // As a program that selects: it is told of room when half of what is outstanding may be added, and no end waits for more.
      if (length === 0 || room * 2 < this.sending.outstandingOf(socket)) return;
      this.limit.sending(socket, left);
      const payload = patternOf(socket, stream.sent, length);
      this.sending.spend(socket, length);
      stream.sent += length;
      this.counts.data++;
      this.peaks.outstanding = Math.max(this.peaks.outstanding, this.sending.outstanding);
      this.#put({ type: 'data', socket, payload });
    }
  }

  #hear(frame: Frame): void {
    if (isSequenced(frame.type)) {
      const bytes = 'payload' in frame ? frame.payload.length : 8;
      this.link.received(bytes);
      this.counts.sequenced++;
      this.counts.bytes += bytes;
    }
    if (frame.type === 'ack') this.link.acknowledged(frame.received);
    else if (frame.type === 'credit') {
      this.sending.giveBack(frame.socket, frame.bytes, 'stream');
      this.limit.credited(frame.socket, frame.bytes);
    } else if (frame.type === 'data') this.#take(frame.socket, frame.payload);
    else if (isSequenced(frame.type)) this.heard.push(frame);
  }

  #take(socket: number, payload: Uint8Array): void {
    const stream = this.incoming.get(socket) ?? new Incoming();
    this.incoming.set(socket, stream);
    const expected = patternOf(socket, stream.received, payload.length);
    if (!expected.equals(payload)) throw new Error(`stream ${socket}: other bytes than sent after ${stream.received}`);
    stream.received += payload.length;
    stream.unread += payload.length;
    this.receiving.received(socket, payload.length);
    let unread = 0;
    for (const each of this.incoming.values()) unread += each.unread;
    this.peaks.unread = Math.max(this.peaks.unread, unread);
    this.#read(socket, stream);
  }

  #read(socket: number, stream: Incoming): void {
    const reader = this.readers.get(socket);
    if (!reader) {
      this.receiving.consumed(socket, stream.unread);
      stream.unread = 0;
    } else if (reader.bytes > 0 && !stream.busy) {
      stream.busy = true;
      this.#pair.timeline.after(reader.every, () => {
        stream.busy = false;
        const taken = Math.min(stream.unread, reader.bytes);
        stream.unread -= taken;
        this.receiving.consumed(socket, taken);
        if (stream.unread > 0) this.#read(socket, stream);
        this.turn();
      });
    }
  }
}

export class Pair {
  readonly timeline = new Timeline();
  readonly options: PairOptions;
  readonly client: End;
  readonly relay: End;
  connected = true;
  cutsDone = 0;
  delivered = 0;
  /** Milliseconds; null: nothing has come over this WebSocket yet. */
  roundtrip: number | null = null;
  #wire = 0;

  constructor(options: PairOptions) {
    this.options = options;
    this.client = new End('client', this, options.pool);
    this.relay = new End('relay', this, options.pool);
  }

  run(): void {
    this.timeline.run();
  }

  transmit(from: End, message: Uint8Array): void {
    const to = from === this.client ? this.relay : this.client;
    const wire = this.#wire;
    this.timeline.after(this.options.latency, () => {
      if (wire !== this.#wire) return;
      this.delivered++;
      this.roundtrip = 2 * this.options.latency;
      to.turn(message);
      if (this.options.cuts?.includes(this.delivered)) this.cut();
    });
  }

  cut(): void {
    this.cutsDone++;
    this.#wire++;
    this.connected = false;
    this.roundtrip = null;
    this.client.cut();
    this.relay.cut();
    this.timeline.after(this.options.gap ?? 50, () => {
      this.connected = true;
      const [fromClient, fromRelay] = [this.client.link.takeAck(), this.relay.link.takeAck()];
      this.client.resume(fromRelay);
      this.relay.resume(fromClient);
    });
  }
}
