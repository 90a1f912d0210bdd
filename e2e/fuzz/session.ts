/** How an attacker gets a session, and how it learns which of its messages the relay has looked at. */

import { encodeFrame } from '../../shared/src/codec.ts';
import type { FrameOf, RelayFrame } from '../../shared/src/frames.ts';
import type { Packable } from '../fixtures/msgpack.ts';
import { type Ending, type Place, RawSocket } from './wire.ts';

/** Milliseconds after which an answer is taken not to come. */
const PATIENCE = 30_000;

/** What attackers' tickets grant: the world's network, and listening there. */
export const GRANTS: readonly [Packable, ...Packable[]] = [
  { tcp: ['127.1.0.0/16:*'], udp: ['127.1.0.0/16:*'], listen: ['127.1.0.0/16'] },
  { tcp: ['127.1.0.0/16:*', '[::1]:*'], udp: ['127.1.0.0/16:*'], listen: true, interfaces: true },
  { tcp: ['127.1.0.0/16:*'], udp: [], dns: false },
  { tcp: [], udp: ['127.1.0.0/16:*'], multicast: false },
];

/** Opens a WebSocket and says HELLO; null when the relay does not want us, for the reason told to `why`. */
export async function greet(
  place: Place,
  from: string,
  ticket: string,
  why: (ending: Ending) => void,
): Promise<{ raw: RawSocket; welcome: FrameOf<'welcome'> } | null> {
  let raw: RawSocket;
  try {
    raw = await RawSocket.open(place, from);
  } catch (error) {
    why((error as Error).message);
    return null;
  }
  const patience = setTimeout(() => raw.vanish(), PATIENCE);
  raw.send(encodeFrame({ type: 'hello', version: 1, ticket, leases: 0 }));
  const welcome = await Promise.race([next(raw, 'welcome'), raw.ended]).finally(() => clearTimeout(patience));
  if (typeof welcome !== 'string') return { raw, welcome };
  why(welcome);
  return null;
}

function next<N extends RelayFrame['type']>(raw: RawSocket, type: N): Promise<FrameOf<N>> {
  return new Promise((resolve) => {
    raw.onFrames = (frames) => {
      const found = frames.find((frame) => frame.type === type);
      if (found) resolve(found as unknown as FrameOf<N>);
    };
  });
}

/**
 * PINGs behind messages: what has come before a PONG was looked at and was no fault. What has come before a fault was
 * looked at as far as the PONGs tell; the message that was the fault comes after that.
 */
export class Probe {
  readonly #raw: RawSocket;
  readonly #waiting = new Map<number, () => void>();
  #token: number;

  constructor(raw: RawSocket, token: number) {
    this.#raw = raw;
    this.#token = token;
  }

  hear(frames: readonly RelayFrame[]): void {
    for (const frame of frames) {
      if (frame.type !== 'pong') continue;
      this.#waiting.get(frame.token)?.();
      this.#waiting.delete(frame.token);
    }
  }

  /** The bytes of a PING, and whether it is answered: `over` when the connection ends instead, `silent` for neither. */
  next(): { readonly ping: Uint8Array; readonly answer: Promise<'pong' | 'over' | 'silent'> } {
    const token = ++this.#token;
    let timer: NodeJS.Timeout | undefined;
    const answer = Promise.race([
      new Promise<'pong'>((resolve) => this.#waiting.set(token, () => resolve('pong'))),
      this.#raw.ended.then(() => 'over' as const),
      new Promise<'silent'>((resolve) => {
        timer = setTimeout(() => resolve('silent'), PATIENCE);
      }),
    ]).finally(() => clearTimeout(timer));
    return { ping: encodeFrame({ type: 'ping', token }), answer };
  }
}
