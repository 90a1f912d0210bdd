/** WebSocket frames as they lie on the wire: RFC 6455, section 5.2. */

/** In the first byte: the last fragment of a message; bits that nobody has given a meaning. The rest is the opcode. */
export const FINAL = 0x80;
export const RESERVED = 0x70;
/** In the second byte; the rest is the length, or one of the two below. */
export const MASKED = 0x80;
/** The length is in the next 2 bytes, or in the next 8. */
export const LENGTH_16 = 126;
export const LENGTH_64 = 127;

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, pong: 10 } as const;
/** Bytes of payload that a control frame (`close` and above) has at most. */
export const MAX_CONTROL = 125;
