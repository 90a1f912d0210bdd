/** A receiver of WebSocket frames, and the one of `ws` beside it, with reads of all sizes. */
import { MAX_MESSAGE } from '@luasocket-web/shared/limits';
import { expect } from 'vitest';
import * as wsModule from 'ws';
import { Incoming } from '../../src/session/incoming.ts';

/** What its receiver tells, which its types leave out. */
interface Receiver {
  on(event: 'message' | 'ping' | 'pong', told: (data: Buffer) => void): void;
  on(event: 'conclude', told: (code: number, reason: Buffer) => void): void;
  on(event: 'error', told: (error: Error) => void): void;
  write(bytes: Uint8Array): void;
}
const { Receiver } = wsModule as unknown as { Receiver: new (options: object) => Receiver };

export type Told = readonly [what: string, ...rest: unknown[]];

/** What has been told: control frames go through a receiver of `ws`, as they do in the relay. */
export function listening(told: Told[], isServer = true): Receiver {
  const receiver = new Receiver({ isServer, maxPayload: isServer ? MAX_MESSAGE : 0 });
  receiver.on('message', (data) => told.push(['message', Buffer.from(data)]));
  receiver.on('ping', (data) => told.push(['ping', Buffer.from(data)]));
  receiver.on('pong', (data) => told.push(['pong', Buffer.from(data)]));
  receiver.on('conclude', (code, reason) => told.push(['close', code, String(reason)]));
  receiver.on('error', (error) => {
    const { code } = error as NodeJS.ErrnoException;
    told.push(['fault', /(?:DATA_PAYLOAD|MESSAGE)_LENGTH/.test(code ?? '') ? 'too_large' : 'malformed']);
  });
  return receiver;
}

export const READ_BYTES = 64 * 1024;

/** A connection whose reads are of these sizes, and no larger than there is room. */
export class Reading {
  readonly shared = Buffer.alloc(READ_BYTES);
  readonly told: Told[] = [];
  readonly controls: Buffer[] = [];
  /** All memory that was read into, save the shared. */
  readonly memories = new Set<ArrayBufferLike>();
  readonly #kept: { readonly message: Uint8Array; readonly was: Buffer }[] = [];
  readonly #incoming: Incoming;

  /** `spent`: what is answered to one message after another, whether its memory may be used again. */
  constructor(spent: readonly boolean[] = [true]) {
    const ws = listening(this.told);
    let count = 0;
    this.#incoming = new Incoming(this.shared, {
      message: (message) => {
        const was = Buffer.from(message);
        this.told.push(['message', was]);
        const isSpent = spent[count++ % spent.length] ?? true;
        if (!isSpent) this.#kept.push({ message, was });
        return isSpent;
      },
      control: (frame) => {
        this.controls.push(frame);
        ws.write(Buffer.from(frame));
      },
      failed: (fault) => this.told.push(['fault', fault]),
    });
  }

  get room(): Uint8Array {
    return this.#incoming.next();
  }

  read(bytes: Uint8Array, sizes: readonly number[] = [READ_BYTES]): this {
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const { room } = this;
      expect(room.length).toBeGreaterThan(0);
      if (room.buffer !== this.shared.buffer) this.memories.add(room.buffer);
      const part = bytes.subarray(at, at + Math.min(room.length, sizes[i % sizes.length] as number));
      room.set(part);
      this.#incoming.read(part.length);
      at += part.length;
      // Others read into it now.
      this.shared.fill(i);
    }
    return this;
  }

  get messages(): Buffer[] {
    return this.told.flatMap(([what, data]) => (what === 'message' ? [data as Buffer] : []));
  }

  /** Messages that were kept, and are not what they were. */
  get spoilt(): number {
    return this.#kept.filter(({ message, was }) => !was.equals(message)).length;
  }

  get allocated(): number {
    return [...this.memories].reduce((sum, { byteLength }) => sum + byteLength, 0);
  }
}

/** `ws` tells errors at the end of a tick. */
export const tick = () => new Promise((resolve) => setImmediate(resolve));

/** What `ws` makes of it, up to its end. */
export async function oracle(bytes: Uint8Array): Promise<Told[]> {
  const told: Told[] = [];
  listening(told).write(Buffer.from(bytes));
  await tick();
  return told;
}
