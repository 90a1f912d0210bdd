/**
 * Every frame of the protocol, once: its name, number, direction, and fields with their types.
 *
 * PROTOCOL.md states the same table in prose (a test compares the two); the codec is driven by it, and the
 * TypeScript types of frames are derived from it. Nothing here knows a socket, a clock or a transport.
 */
import type { Endpoint } from './address.ts';

/** What may stand in a field, and how it looks in msgpack. PROTOCOL.md, "Field types". */
export interface FieldTypes {
  /** Unsigned integer, 0..2^53-1. */
  uint: number;
  /** Signed integer, -2^31..2^31-1. */
  int: number;
  /** Float or integer; never NaN. */
  number: number;
  bool: boolean;
  /** Text, at most `limits.MAX_TEXT` bytes of UTF-8. */
  text: string;
  /** Text or nil. */
  'text?': string | null;
  /** Bytes, as long as the frame allows (PROTOCOL.md, "Field types"). The decoder returns a view into the message. */
  bytes: Uint8Array;
  /** 6 (IPv4), 18 (IPv6) or 22 bytes (IPv6 with scope): address, port, scope; big-endian. */
  endpoint: Endpoint;
  /** An endpoint or nil. */
  'endpoint?': Endpoint | null;
  /** An endpoint, or `[request, index]`: the index-th address (from 0) that the RESOLVE `request` answered; nil = none. */
  'target?': Target | null;
  /** A value of an option: boolean, integer, text or a map of those. */
  option: OptionValue;
  /** The result of a request: nil, boolean, number, text, bytes, or arrays and maps of those, nested at most 4 deep. */
  value: Value;
}

/** The index-th address of an earlier RESOLVE, usable before its answer is in (promise pipelining). */
export interface Resolved {
  readonly request: number;
  readonly index: number;
}
export type Target = Endpoint | Resolved;
export type Scalar = null | boolean | number | string;
export type OptionValue = Scalar | { readonly [key: string]: Scalar };
export type Value = Scalar | Uint8Array | readonly Value[] | { readonly [key: string]: Value };

export type FieldType = keyof FieldTypes;
export type Direction = 'client' | 'relay' | 'both';

interface FrameSpec {
  /** The number that opens the frame's msgpack array; 0..127, so one byte. */
  readonly code: number;
  /** Who may send it. */
  readonly from: Direction;
  /** Counted by the link (acknowledged, replayed after a resume) or not. */
  readonly sequenced: boolean;
  readonly fields: { readonly [name: string]: FieldType };
}

/** The frame table. Numbers are never reused. 0..15 link, 16..47 client's requests, 48..63 both ways, 64.. relay's word. */
export const FRAMES = {
  // --- the link: opening, resuming, keeping alive; never sequenced
  hello: {
    code: 0,
    from: 'client',
    sequenced: false,
    fields: { version: 'uint', ticket: 'text?', leases: 'uint' },
  },
  challenge: { code: 1, from: 'relay', sequenced: false, fields: { version: 'uint', nonce: 'bytes', epoch: 'bytes' } },
  welcome: {
    code: 2,
    from: 'relay',
    sequenced: false,
    fields: {
      version: 'uint',
      session: 'bytes',
      key: 'bytes',
      epoch: 'bytes',
      mode: 'text',
      resumeSeconds: 'uint',
      sockets: 'uint',
      upload: 'uint',
      download: 'uint',
      time: 'number',
      node: 'text?',
    },
  },
  resume: {
    code: 3,
    from: 'client',
    sequenced: false,
    fields: { version: 'uint', session: 'bytes', generation: 'uint', received: 'uint', mac: 'bytes' },
  },
  resumed: { code: 4, from: 'relay', sequenced: false, fields: { received: 'uint', mac: 'bytes', time: 'number' } },
  ack: { code: 5, from: 'both', sequenced: false, fields: { received: 'uint' } },
  ping: { code: 6, from: 'both', sequenced: false, fields: { token: 'uint' } },
  pong: { code: 7, from: 'both', sequenced: false, fields: { token: 'uint', time: 'number' } },
  goaway: { code: 8, from: 'relay', sequenced: false, fields: { reason: 'text', seconds: 'number' } },
  fault: { code: 9, from: 'both', sequenced: false, fields: { code: 'text', message: 'text' } },

  // --- requests; `request` numbers a frame that is answered by REPLY or FAIL
  open: { code: 16, from: 'client', sequenced: true, fields: { socket: 'uint', kind: 'uint', family: 'uint' } },
  resolve: {
    code: 17,
    from: 'client',
    sequenced: true,
    fields: { request: 'uint', host: 'text?', service: 'text?', family: 'uint', kind: 'uint', use: 'uint' },
  },
  bind: { code: 18, from: 'client', sequenced: true, fields: { request: 'uint', socket: 'uint', target: 'target?' } },
  connect: {
    code: 19,
    from: 'client',
    sequenced: true,
    fields: { request: 'uint', socket: 'uint', target: 'target?' },
  },
  listen: { code: 20, from: 'client', sequenced: true, fields: { request: 'uint', socket: 'uint', backlog: 'int' } },
  accept: { code: 21, from: 'client', sequenced: true, fields: { socket: 'uint' } },
  shutdown: { code: 22, from: 'client', sequenced: true, fields: { socket: 'uint', how: 'uint' } },
  close: { code: 23, from: 'client', sequenced: true, fields: { socket: 'uint', consumed: 'uint' } },
  setoption: {
    code: 24,
    from: 'client',
    sequenced: true,
    fields: { request: 'uint', socket: 'uint', option: 'text', value: 'option' },
  },
  getoption: { code: 25, from: 'client', sequenced: true, fields: { request: 'uint', socket: 'uint', option: 'text' } },
  getsockname: { code: 26, from: 'client', sequenced: true, fields: { request: 'uint', socket: 'uint' } },
  sendto: {
    code: 27,
    from: 'client',
    sequenced: true,
    fields: { request: 'uint', socket: 'uint', peer: 'endpoint?', payload: 'bytes' },
  },
  nameinfo: {
    code: 28,
    from: 'client',
    sequenced: true,
    fields: { request: 'uint', host: 'text?', service: 'text?' },
  },
  hostent: { code: 29, from: 'client', sequenced: true, fields: { request: 'uint', name: 'text' } },
  hostname: { code: 30, from: 'client', sequenced: true, fields: { request: 'uint' } },
  barrier: { code: 31, from: 'client', sequenced: true, fields: { request: 'uint' } },

  // --- both ways
  data: { code: 48, from: 'both', sequenced: true, fields: { socket: 'uint', payload: 'bytes' } },
  credit: { code: 49, from: 'both', sequenced: true, fields: { socket: 'uint', bytes: 'uint' } },
  pool: { code: 50, from: 'both', sequenced: true, fields: { bytes: 'uint' } },
  datagram: {
    code: 51,
    from: 'both',
    sequenced: false,
    fields: { socket: 'uint', peer: 'endpoint?', payload: 'bytes' },
  },

  // --- the relay's word
  reply: { code: 64, from: 'relay', sequenced: true, fields: { request: 'uint', value: 'value' } },
  fail: { code: 65, from: 'relay', sequenced: true, fields: { request: 'uint', error: 'text', detail: 'text?' } },
  connected: {
    code: 66,
    from: 'relay',
    sequenced: true,
    fields: { socket: 'uint', local: 'endpoint', peer: 'endpoint' },
  },
  accepted: {
    code: 67,
    from: 'relay',
    sequenced: true,
    fields: { listener: 'uint', socket: 'uint', local: 'endpoint', peer: 'endpoint' },
  },
  end: { code: 68, from: 'relay', sequenced: true, fields: { socket: 'uint' } },
  error: { code: 69, from: 'relay', sequenced: true, fields: { socket: 'uint', error: 'text', detail: 'text?' } },
  lease: {
    code: 70,
    from: 'relay',
    sequenced: true,
    fields: { kind: 'uint', family: 'uint', port: 'uint' },
  },
} as const satisfies { readonly [name: string]: FrameSpec };

export type FrameName = keyof typeof FRAMES;

/** The frame called `N`, as a value: its name under `type`, its fields beside it. */
export type FrameOf<N extends FrameName> = { readonly type: N } & {
  readonly [K in keyof (typeof FRAMES)[N]['fields']]: (typeof FRAMES)[N]['fields'][K] extends FieldType
    ? FieldTypes[(typeof FRAMES)[N]['fields'][K]]
    : never;
};

/** Any frame. */
export type Frame = { [N in FrameName]: FrameOf<N> }[FrameName];

type SentBy<D extends Direction> = {
  [N in FrameName]: (typeof FRAMES)[N]['from'] extends D | 'both' ? FrameOf<N> : never;
}[FrameName];
/** What a client may send. */
export type ClientFrame = SentBy<'client'>;
/** What a relay may send. */
export type RelayFrame = SentBy<'relay'>;

/** Values of `kind`. */
export const KIND = { tcp: 0, udp: 1 } as const;
/** Values of SHUTDOWN's `how`, as POSIX numbers them. */
export const HOW = { receive: 0, send: 1, both: 2 } as const;
/** What a RESOLVE is for, since LuaSocket gives getaddrinfo different hints: see PROTOCOL.md, "Resolving". */
export const USE = { connect: 0, bind: 1, numeric: 2, names: 3 } as const;
/** The version of the protocol that these frames belong to. */
export const PROTOCOL_VERSION = 1;
/** Socket ids below this are chosen by the client, from it on by the relay (accepted connections). */
export const FIRST_RELAY_SOCKET = 0x4000_0000;
