/**
 * A transport moves messages of bytes between this end and a relay, in order, until it breaks. It knows nothing of
 * frames, sockets or sessions, and never comes back once it has closed: a resumed session opens another one.
 */

/** What a transport tells its owner; nothing after `closed`, and nothing after the owner's own `close`. */
export interface TransportEvents {
  /** Messages can be sent from now on. */
  opened(): void;
  /** One whole message; the owner may keep it. */
  message(bytes: Uint8Array): void;
  /** It is over: the code and reason of the WebSocket's close frame, 1006 when it broke or never opened. */
  closed(code: number, reason: string): void;
}

export interface Transport {
  /** Bytes given to `send` that have not left this machine's buffers, as far as is known. */
  readonly backlog: number;
  /** Sends one message. Only between `opened` and `closed`. The transport may keep `message`: it must not change. */
  send(message: Uint8Array): void;
  /** Ends it, after what was sent: 1000 or 4000..4999, and at most 123 bytes of reason. Calling twice is harmless. */
  close(code: number, reason: string): void;
}

/**
 * Begins to open a transport; its events come later, never from within this call. `node`: which of the relays behind one
 * address is to answer (WELCOME's); null: any.
 * @throws when no attempt can be made at all, such as for a URL that is none.
 */
export type OpenTransport = (events: TransportEvents, node: string | null) => Transport;
