/** A client of the protocol that does exactly what a test says: frames in, frames out, over a real WebSocket. */
import { once } from 'node:events';
import { decodeFrames, encodeFrame } from '@luasocket-web/shared/codec';
import type { Frame, FrameName, FrameOf, Value } from '@luasocket-web/shared/frames';
import { isSequenced } from '@luasocket-web/shared/link';
import type { Relay } from 'luasocket-relay';
import { WebSocket } from 'ws';
import { sign } from '../../src/session/mac.ts';

interface Waiter {
  readonly matches: (frame: Frame) => boolean;
  readonly found: (frame: Frame) => void;
  readonly lost: (error: Error) => void;
}

/** What a client must keep to resume its session. */
export interface Credentials {
  readonly session: Uint8Array;
  readonly key: Uint8Array;
  readonly generation: number;
}

export class RawClient {
  readonly ws: WebSocket;
  /** Resolves when the WebSocket has ended. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  /** Frames that came and that nobody has asked for. */
  readonly inbox: Frame[] = [];
  /** Sequenced frames that have come, over all WebSockets of the session. */
  received = 0;
  /** Whether sequenced frames are acknowledged, every 16 or 64 KiB. */
  acknowledges = true;
  #unacknowledged = 0;
  /** Of the relay's challenge, once a resume has read it. */
  nonce: Uint8Array = new Uint8Array(0);
  #waiters: Waiter[] = [];
  #request = 0;
  #over = false;

  constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on('message', (data) => {
      for (const frame of decodeFrames(data as Buffer, 'relay')) this.#take(frame);
    });
    ws.on('error', () => {});
    this.closed = new Promise((resolve) => {
      ws.on('close', (code, reason) => {
        this.#over = true;
        resolve({ code, reason: reason.toString() });
        for (const waiter of this.#waiters.splice(0)) waiter.lost(new Error(`closed with ${code} ${reason}`));
      });
    });
  }

  /** A WebSocket to the relay, and nothing said on it. */
  static async dial(relay: Pick<Relay, 'address'>, headers: Record<string, string> = {}): Promise<RawClient> {
    const ws = new WebSocket(relay.address.url, { headers, perMessageDeflate: false });
    const client = new RawClient(ws);
    await once(ws, 'open');
    return client;
  }

  /** A client with a session. */
  static async connect(relay: Relay, leases = 0): Promise<RawClient & { welcome: FrameOf<'welcome'> }> {
    const client = await RawClient.dial(relay);
    client.send({ type: 'hello', version: 1, ticket: null, leases });
    const welcome = await client.next('welcome');
    return Object.assign(client, { welcome });
  }

  /** Another WebSocket that goes on with the session of `before`, which need not be gone yet. */
  static async resume(relay: Relay, before: RawClient, { session, key, generation }: Credentials): Promise<RawClient> {
    const client = await RawClient.dial(relay);
    client.received = before.received;
    client.#request = before.#request;
    const { nonce } = await client.next('challenge');
    client.nonce = nonce;
    const proven = { nonce, session, generation, received: client.received };
    client.send({ type: 'resume', version: 1, ...proven, mac: sign(key, 'client', proven) });
    return client;
  }

  send(...frames: Frame[]): void {
    this.raw(Buffer.concat(frames.map(encodeFrame)));
  }

  raw(message: Uint8Array | string): void {
    this.ws.send(message);
  }

  /** The next frame of this type (and for which `matches`) that nobody has asked for. */
  next<N extends FrameName>(type: N, matches: (frame: FrameOf<N>) => boolean = () => true): Promise<FrameOf<N>> {
    const wanted = (frame: Frame) => isOf(frame, type) && matches(frame);
    const at = this.inbox.findIndex(wanted);
    const [here] = at < 0 ? [] : this.inbox.splice(at, 1);
    if (here && isOf(here, type)) return Promise.resolve(here);
    if (this.#over) return Promise.reject(new Error(`no ${type}: closed`));
    return new Promise((resolve, reject) => {
      const found = (frame: Frame) => isOf(frame, type) && resolve(frame);
      this.#waiters.push({ matches: wanted, found, lost: reject });
    });
  }

  /** Sends what `frame` makes of a fresh request number; resolves to REPLY's value, or to FAIL's error. */
  async ask(frame: (request: number) => Frame): Promise<Value | { readonly error: string }> {
    const request = ++this.#request;
    this.send(frame(request));
    return this.answer(request);
  }

  /** A request number for a frame that the test sends by itself. */
  number(): number {
    return ++this.#request;
  }

  async answer(request: number): Promise<Value | { readonly error: string }> {
    const reply = this.next('reply', (frame) => frame.request === request).then(({ value }) => value);
    const fail = this.next('fail', (frame) => frame.request === request).then(({ error }) => ({ error }));
    return Promise.race([reply, fail]);
  }

  /** Everything that the relay's kernel had is here. */
  barrier(): Promise<unknown> {
    return this.ask((request) => ({ type: 'barrier', request }));
  }

  #take(frame: Frame): void {
    if (isSequenced(frame.type)) {
      this.received++;
      this.#unacknowledged += 'payload' in frame ? Math.max(frame.payload.length, 4096) : 4096;
      if (this.acknowledges && this.#unacknowledged >= 65_536) {
        this.#unacknowledged = 0;
        this.send({ type: 'ack', received: this.received });
      }
    }
    const at = this.#waiters.findIndex((waiter) => waiter.matches(frame));
    const [waiter] = at < 0 ? [] : this.#waiters.splice(at, 1);
    if (waiter) waiter.found(frame);
    else this.inbox.push(frame);
  }
}

function isOf<N extends FrameName>(frame: Frame, type: N): frame is Frame & FrameOf<N> {
  return frame.type === type;
}
