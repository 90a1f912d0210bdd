/** A client's WebSocket frames by hand (RFC 6455, section 5.2), right and wrong ones. */

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Shape {
  readonly opcode: number;
  readonly payload?: Uint8Array;
  /** false: more of the message follows. */
  readonly final?: boolean;
  /** null: sent in clear, which a client may not. */
  readonly mask?: number | null;
  /** The three bits that nobody has given a meaning. */
  readonly reserved?: number;
  /** What the header says, where it lies. */
  readonly length?: bigint;
}

export function masked({
  opcode,
  payload = new Uint8Array(0),
  final = true,
  mask = 0x9a3cf15d,
  reserved = 0,
  length = BigInt(payload.length),
}: Shape): Buffer {
  const short = length < 126n ? Number(length) : length < 65_536n ? 126 : 127;
  const header = Buffer.from([(final ? 0x80 : 0) | (reserved << 4) | opcode, (mask === null ? 0 : 0x80) | short]);
  const more = Buffer.alloc(short === 127 ? 8 : short === 126 ? 2 : 0);
  if (short === 127) more.writeBigUInt64BE(length);
  else if (short === 126) more.writeUInt16BE(Number(length));
  if (mask === null) return Buffer.concat([header, more, payload]);
  const key = Buffer.alloc(4);
  key.writeUInt32BE(mask >>> 0);
  return Buffer.concat([header, more, key, payload.map((byte, i) => byte ^ (key[i & 3] as number))]);
}

/** `message` in fragments that end at these places, and each of them a frame. */
export function fragments(message: Uint8Array, ends: readonly number[]): Buffer[] {
  const cuts = [...ends, message.length];
  return cuts.map((end, i) =>
    masked({
      opcode: i === 0 ? OPCODE.binary : OPCODE.continuation,
      payload: message.subarray(cuts[i - 1] ?? 0, end),
      final: i === cuts.length - 1,
      mask: 0x01020304 * (i + 1),
    }),
  );
}
