/** A client that writes the bytes of its WebSocket itself, as no library would let it. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { decodeFrames, encodeFrame } from '@luasocket-web/shared/codec';
import type { Frame } from '@luasocket-web/shared/frames';
import type { Relay } from 'luasocket-relay';
import { onTestFinished } from 'vitest';
import { masked, OPCODE } from './masked.ts';
import { listening, type Told } from './reading.ts';
import { until } from './relay.ts';

/** The request for a WebSocket, with RFC 6455's own key. */
export const UPGRADE = [
  'GET /relay HTTP/1.1',
  'Host: 127.0.0.1',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  '\r\n',
].join('\r\n');

export const HELLO = encodeFrame({ type: 'hello', version: 1, ticket: null, leases: 0 });

/** Frames of the protocol as one message in one WebSocket frame. */
export const message = (...frames: Frame[]): Buffer =>
  masked({ opcode: OPCODE.binary, payload: Buffer.concat(frames.map(encodeFrame)) });

export class BareClient {
  readonly socket: Socket;
  readonly told: Told[] = [];
  /** The relay sends no more. */
  ended = false;
  #answer = Buffer.alloc(0);
  #seen = 0;

  /** `first` is all that is sent at once. */
  constructor(relay: Relay, first: Uint8Array) {
    this.socket = connect({ port: relay.address.port, host: '127.0.0.1', allowHalfOpen: true });
    const receiver = listening(this.told, false);
    this.socket.on('error', () => {});
    this.socket.on('end', () => {
      this.ended = true;
    });
    let isUpgraded = false;
    this.socket.on('data', (bytes) => {
      if (isUpgraded) {
        receiver.write(bytes);
        return;
      }
      this.#answer = Buffer.concat([this.#answer, bytes]);
      const end = this.#answer.indexOf('\r\n\r\n') + 4;
      if (end < 4) return;
      isUpgraded = true;
      if (this.#answer.length > end) receiver.write(this.#answer.subarray(end));
    });
    this.socket.setNoDelay(true);
    this.socket.write(first);
    onTestFinished(() => {
      this.socket.destroy();
    });
  }

  /** With a session. */
  static async connect(relay: Relay): Promise<BareClient> {
    const client = new BareClient(
      relay,
      Buffer.concat([Buffer.from(UPGRADE), masked({ opcode: OPCODE.binary, payload: HELLO })]),
    );
    await client.next('welcome');
    return client;
  }

  get status(): string {
    return String(this.#answer).split('\r\n', 1)[0] ?? '';
  }

  get frames(): Frame[] {
    return this.told.flatMap(([what, data]) => (what === 'message' ? decodeFrames(data as Buffer, 'relay') : []));
  }

  /** What came beside messages. */
  get others(): Told[] {
    return this.told.filter(([what]) => what !== 'message');
  }

  /** The next frame of this type that nobody has asked for; those before it are passed over. */
  async next<N extends Frame['type']>(type: N): Promise<Frame & { type: N }> {
    let found = -1;
    await until(() => {
      found = this.frames.findIndex((frame, i) => i >= this.#seen && frame.type === type);
      return found >= 0;
    });
    this.#seen = found + 1;
    return this.frames[found] as Frame & { type: N };
  }

  async write(...parts: Uint8Array[]): Promise<void> {
    for (const part of parts) if (!this.socket.write(part)) await once(this.socket, 'drain');
  }
}
