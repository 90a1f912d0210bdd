/**
 * A WebSocket by hand over a TCP socket: it can say what a library would not, and costs an attacker less than one. Reads
 * the relay's frames with the project's own decoder, which holds them to the protocol.
 */
import { connect, type Socket } from 'node:net';
import { decodeFrames } from '../../shared/src/codec.ts';
import type { RelayFrame } from '../../shared/src/frames.ts';

/** Opcodes of RFC 6455, section 5.2. */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Place {
  /** The relay's port on 127.0.0.1. */
  readonly port: number;
  readonly origin: string;
}

/** How it ended: the code of a FAULT, or `close CODE`, or `cut` (no close frame). */
export type Ending = string;

export interface Framing {
  readonly final?: boolean;
  readonly opcode?: number;
  readonly reserved?: number;
  readonly masked?: boolean;
  /** A mask other than zeros. */
  readonly mask?: number;
  /** The length that is declared, where it is not the payload's; written in 8 bytes. */
  readonly declared?: bigint;
}

/** One WebSocket frame, a good client's unless told otherwise. */
export function frameBytes(payload: Uint8Array, framing: Framing = {}): Buffer {
  const { final = true, opcode = OPCODE.binary, reserved = 0, masked = true, mask = 0, declared } = framing;
  const { length } = payload;
  const wide = declared !== undefined || length > 65_535 ? 8 : length > 125 ? 2 : 0;
  const head = Buffer.alloc(2 + wide + (masked ? 4 : 0));
  head[0] = (final ? 0x80 : 0) | (reserved << 4) | opcode;
  head[1] = (masked ? 0x80 : 0) | (wide === 8 ? 127 : wide === 2 ? 126 : length);
  if (wide === 8) head.writeBigUInt64BE(declared ?? BigInt(length), 2);
  else if (wide === 2) head.writeUInt16BE(length, 2);
  if (!masked) return Buffer.concat([head, payload]);
  head.writeUInt32BE(mask >>> 0, 2 + wide);
  const whole = Buffer.concat([head, payload]);
  if (mask === 0) return whole;
  const key = head.subarray(2 + wide);
  for (let i = 0; i < length; i++) whole[head.length + i] = (whole[head.length + i] ?? 0) ^ (key[i & 3] ?? 0);
  return whole;
}

/** Milliseconds for a WebSocket to be opened. */
const PATIENCE = 30_000;
const UPGRADED = 'HTTP/1.1 101';
const HEAD_END = Buffer.from('\r\n\r\n');

/** The request that opens a WebSocket. */
export function upgradeRequest({ port, origin }: Place, more = ''): string {
  return (
    `GET /relay HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nOrigin: ${origin}\r\n${more}\r\n`
  );
}

/** A TCP connection to the relay from an address of this machine. */
export function dial({ port }: Place, from: string): Socket {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true });
  socket.on('error', () => {}); // 'close' tells
  return socket;
}

export class RawSocket {
  /** Settles when the TCP connection is over. */
  readonly ended: Promise<Ending>;
  /** Called with the frames of each message. */
  onFrames: (frames: readonly RelayFrame[]) => void = () => {};
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #upgraded = false;
  #ending: Ending = 'cut';
  #words = '';
  #over = false;

  /** Opens one; resolves once it is up. Rejects with the HTTP status when it is refused, or `cut`. */
  static async open(place: Place, from: string, headers = ''): Promise<RawSocket> {
    const socket = dial(place, from);
    const patience = setTimeout(() => socket.destroy(), PATIENCE);
    return new Promise<RawSocket>((resolve, reject) => {
      const made = new RawSocket(socket, () => resolve(made));
      socket.write(upgradeRequest(place, headers));
      made.ended.then((ending) => reject(new Error(ending)));
    }).finally(() => clearTimeout(patience));
  }

  private constructor(socket: Socket, whenUp: () => void) {
    this.#socket = socket;
    socket.on('data', (bytes) => this.#read(bytes, whenUp));
    // Whoever is told by a fault or a close frame closes too.
    this.ended = new Promise((resolve) => {
      socket.once('close', () => {
        this.#over = true;
        resolve(this.#ending);
      });
    });
  }

  /** What the FAULT said. */
  get words(): string {
    return this.#words;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Bytes that wait to be sent. */
  get waiting(): number {
    return this.#socket.writableLength;
  }

  /** A binary message. */
  send(message: Uint8Array, framing?: Framing): boolean {
    return this.raw(frameBytes(message, framing));
  }

  /** Bytes as they are. Answers whether more may be sent at once. */
  raw(bytes: Uint8Array | string): boolean {
    return this.#over || this.#socket.write(bytes);
  }

  /** Resolves when what was sent is on its way, or all is over. */
  drained(): Promise<void> {
    if (this.#over || !this.#socket.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      this.#socket.once('drain', resolve);
      this.#socket.once('close', resolve);
    });
  }

  /** Stops reading, or goes on. */
  pause(): void {
    this.#socket.pause();
  }

  close(code = 1000): void {
    this.send(Buffer.of(code >> 8, code & 255), { opcode: OPCODE.close });
  }

  /** Is gone, by FIN or by RST. */
  vanish(reset = false): void {
    if (reset) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  #read(bytes: Buffer, whenUp: () => void): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    if (!this.#upgraded) {
      const end = this.#rest.indexOf(HEAD_END);
      if (end < 0) return;
      const head = this.#rest.toString('latin1', 0, end);
      if (!head.startsWith(UPGRADED)) {
        this.#ending = `http ${head.slice(9, 12)}`;
        this.#socket.destroy();
        return;
      }
      this.#upgraded = true;
      this.#rest = this.#rest.subarray(end + HEAD_END.length);
      whenUp();
    }
    for (;;) {
      const [first, second] = this.#rest;
      if (first === undefined || second === undefined) return;
      const wide = second === 127 ? 8 : second === 126 ? 2 : 0;
      if (this.#rest.length < 2 + wide) return;
      const length =
        wide === 8 ? Number(this.#rest.readBigUInt64BE(2)) : wide === 2 ? this.#rest.readUInt16BE(2) : second;
      if (this.#rest.length < 2 + wide + length) return;
      const payload = this.#rest.subarray(2 + wide, 2 + wide + length);
      this.#rest = this.#rest.subarray(2 + wide + length);
      this.#frame(first & 15, payload);
    }
  }

  #frame(opcode: number, payload: Buffer): void {
    if (opcode === OPCODE.close) {
      if (this.#ending === 'cut') this.#ending = payload.length >= 2 ? `close ${payload.readUInt16BE(0)}` : 'close';
      this.raw(frameBytes(payload.subarray(0, 2), { opcode: OPCODE.close }));
      this.#socket.end();
      return;
    }
    if (opcode !== OPCODE.binary) return;
    const frames = decodeFrames(payload, 'relay') as RelayFrame[];
    for (const frame of frames) {
      if (frame.type !== 'fault') continue;
      this.#ending = frame.code;
      this.#words = frame.message;
    }
    this.onFrames(frames);
  }
}
