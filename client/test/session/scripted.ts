/** The sockets of a session joined to a relay that says what a test tells it to, in memory and at once. */

import type { Endpoint } from '@luasocket-web/shared/address';
import { packEndpoint } from '@luasocket-web/shared/address';
import { decodeFrames, encodeFrame } from '@luasocket-web/shared/codec';
import type { Denial } from '@luasocket-web/shared/denial';
import type { ProtocolError } from '@luasocket-web/shared/errors';
import type { ClientFrame, Frame, FrameOf, RelayFrame } from '@luasocket-web/shared/frames';
import { Failure, type Pending, type Stream } from '../../src/core/channel.ts';
import { Multiplexer, type Terms } from '../../src/session/multiplexer.ts';
import { SessionChannel } from '../../src/session/session.ts';
import type { Path } from '../../src/session/wire.ts';

export const LOCAL: Endpoint = { family: 4, address: '127.0.0.1', port: 40_000 };
export const PEER: Endpoint = { family: 4, address: '127.0.0.1', port: 7 };

export class Scripted {
  readonly sockets: Multiplexer;
  readonly channel: SessionChannel;
  /** What was sent and not looked at. */
  readonly sent: ClientFrame[] = [];
  fault: ProtocolError | null = null;
  tapped: string[] = [];
  readonly denials: Denial[] = [];
  /** Whether much is said to wait for the WebSocket. */
  busy = false;

  /** `leases`: how many HELLO is said to have asked for. `path`: what is known of the way to the relay. */
  constructor(terms: Partial<Terms> = {}, leases = 0, path: Path | null = null) {
    const script = this;
    this.sockets = new Multiplexer(
      { sockets: 8, upload: 65_536, download: 65_536, ...terms },
      {
        send: (encoded) => {
          // What the codec accepts from a client is what the relay would.
          this.sent.push(...(decodeFrames(encoded.slice(), 'client') as ClientFrame[]));
        },
        get busy() {
          return script.busy;
        },
        room: (bytes) => new Uint8Array(bytes),
        fault: (error) => {
          this.fault = error;
          this.sockets.end();
        },
      },
      {
        listening: true,
        frame: (direction, frame) => this.tapped.push(`${direction} ${frame.type}`),
        denied: (denial) => this.denials.push(denial),
      },
      leases,
      path,
    );
    this.channel = new SessionChannel(this.sockets, { now: () => 1, time: () => 2 });
  }

  /** One message of the relay. */
  tell(...frames: RelayFrame[]): void {
    const parts = frames.map((frame) => encodeFrame(frame as Frame));
    this.sockets.deliver(Buffer.concat(parts));
  }

  /** Takes the next frame sent, which must be of this type. */
  expect<N extends ClientFrame['type']>(type: N): Extract<ClientFrame, { type: N }> {
    const frame = this.sent.shift();
    if (frame?.type !== type) throw new Error(`${frame?.type ?? 'nothing'} was sent instead of ${type}`);
    return frame as Extract<ClientFrame, { type: N }>;
  }

  /** Answers the next request, which must be of this type. */
  answer(type: ClientFrame['type'], value: FrameOf<'reply'>['value'] | Failure = null): void {
    const frame = this.expect(type);
    if (!('request' in frame)) throw new Error(`${type} is no request`);
    const { request } = frame;
    if (value instanceof Failure) {
      this.tell({ type: 'fail', request, error: value.code, detail: value.detail ?? null });
    } else {
      this.tell({ type: 'reply', request, value });
    }
  }

  tcp(): Stream {
    const stream = this.channel.tcp(4);
    if (stream instanceof Failure) throw new Error(stream.code);
    this.expect('open');
    return stream;
  }

  /** A stream whose attempt to connect has begun. */
  connecting(): Stream {
    const stream = this.tcp();
    stream.connect(PEER);
    this.answer('connect', packEndpoint(LOCAL));
    return stream;
  }

  /** A stream that is connected. The first socket of a session has the id 1. */
  established(): Stream {
    const stream = this.connecting();
    this.tell({ type: 'connected', socket: 1, local: LOCAL, peer: PEER });
    return stream;
  }

  /** A listening stream. */
  listening(): Stream {
    const stream = this.tcp();
    stream.listen(5);
    this.answer('listen');
    return stream;
  }
}

/** The answer, in one word: the failure's code, or the value. */
export function outcome(pending: Pending<unknown>): unknown {
  if (!pending.settled) return 'pending';
  return pending.result instanceof Failure ? pending.result.code : pending.result;
}

export const bytes = (text: string) => new TextEncoder().encode(text);
