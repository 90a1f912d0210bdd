/** Every constant of the protocol: its value, unit and reason. PROTOCOL.md, "Limits", repeats them. */

/** Bytes in one WebSocket message; ws' default of 100 MiB would let a client make the relay buffer that. */
export const MAX_MESSAGE = 256 * 1024;
/** Bytes of payload in one DATA: a message less room for headers. Larger sends are split; large reads cost less than small ones. */
export const MAX_DATA = 248 * 1024;
/** Bytes in one datagram: 65,535 less the IPv4 and UDP headers (IPv6 allows 20 more). */
export const MAX_DATAGRAM_V4 = 65_507;
export const MAX_DATAGRAM_V6 = 65_527;
/** Bytes of UTF-8 in one text field; a ticket is the longest. Host names have at most 255. */
export const MAX_TEXT = 8192;
/** Sockets of one session at once: LuaSocket's _SETSIZE (select.c, FD_SETSIZE). */
export const MAX_SOCKETS = 1024;
/** Bytes of credit of a session in each direction at first, and at most. */
export const POOL_INITIAL = 1024 * 1024;
export const POOL_MAX = 8 * 1024 * 1024;
/** Bytes that every stream may have outstanding even when the pool is used up, so that no stream starves another. */
export const STREAM_RESERVE = 1024;
/** Bytes of datagrams queued for one socket; Linux' default SO_RCVBUF. The newest is dropped. */
export const DATAGRAM_QUEUE = 212_992;
/** What a queued datagram costs beside its payload, in bytes, so that empty ones are not free. */
export const DATAGRAM_OVERHEAD = 64;
/** An ACK is due after this many bytes, frames or milliseconds. */
export const ACK_BYTES = 64 * 1024;
export const ACK_FRAMES = 128;
export const ACK_MILLISECONDS = 1000;
/** Milliseconds to the first frame of a client, between pings, and from the last sign of life to death. */
export const HANDSHAKE_MILLISECONDS = 5000;
export const PING_MILLISECONDS = 5000;
export const DEAD_MILLISECONDS = 15_000;
/** Requests of one session that wait for an answer at once (a look-up takes its time). */
export const MAX_PENDING_REQUESTS = 4096;
/** Results of RESOLVE that stay usable as targets. */
export const MAX_RESOLUTIONS = 64;
/** Addresses of one name that are considered. */
export const MAX_ADDRESSES = 8;
/** Seconds a session outlives its WebSocket by default. */
export const RESUME_SECONDS = 30;
/** Bytes of a session id, its key, a challenge, a MAC, an epoch. */
export const SESSION_BYTES = 16;
export const KEY_BYTES = 32;
export const NONCE_BYTES = 32;
export const MAC_BYTES = 32;
export const EPOCH_BYTES = 8;
