/**
 * The public types: LuaSocket's API as it looks in TypeScript. Types only, so that every entry point, the console and
 * other people's code can share them; nothing here runs.
 *
 * Every function and method answers a tuple of LuaSocket's results, `null` for Lua's nil: a success is
 * `[value, ...]`, a failure `[null, message, ...]`. Wrong use (a bad argument, a method of another class) raises:
 * `TypeError` or `RangeError` with LuaSocket's words; where the answer is a Promise, it rejects.
 */

import type {
  AddressInfo,
  Done,
  Failed,
  Failed3,
  HostInfo,
  LocalName,
  OptionResult,
  PeerName,
  Reason,
  ReceiveResult,
  Selectable,
  SelectResult,
  SendResult,
  Stats,
  TcpClass,
  UdpClass,
} from './core/results.ts';

export type {
  AddressFamily,
  AddressInfo,
  Done,
  Failed,
  Failed3,
  HostInfo,
  LocalName,
  OptionResult,
  PeerName,
  Reason,
  ReceiveResult,
  Selectable,
  SelectResult,
  SendResult,
  SocketList,
  Stats,
  TcpClass,
  UdpClass,
} from './core/results.ts';

/** How a face answers: with a Promise (`luasocket-web`), or at once (`luasocket-web/poll`, `luasocket-web/blocking`). */
export type Face = 'async' | 'sync';

/** What a call answers that may have to wait: a Promise on the async face, the value itself on the others. */
export type Answer<F extends Face, T> = F extends 'async' ? Promise<T> : T;

/** How byte strings look: see `ConnectOptions.strings`. */
export type StringMode = 'utf8' | 'bytes' | 'binary';

/** The type of byte strings that come out, by mode. */
export type BytesOf<S extends StringMode> = S extends 'bytes' ? Uint8Array : string;

/** Byte strings as they go in, whatever the mode; a number is turned into text as Lua does (`%.14g`). */
export type Data = string | number | Uint8Array;

/** An address or a port: a string, or a number that stands for its text. */
export type Text = string | number;

/** The value of the `linger` option; `timeout` in whole seconds, 0..65535. */
export interface Linger {
  on: boolean;
  timeout: number;
}

/** The value of `ip-add-membership` and `ip-drop-membership`: IPv4 literals; interface `*` is any. */
export interface Membership {
  multiaddr: string;
  interface: string;
}

/** The value of `ipv6-add-membership` and `ipv6-drop-membership`; `interface` is an index, absent for any. */
export interface Membership6 {
  multiaddr: string;
  interface?: number | null;
}

/** Options of TCP objects that can be set, and their values. tcp.c, optset. */
export interface TcpSettable {
  keepalive: boolean;
  reuseaddr: boolean;
  'tcp-nodelay': boolean;
  'ipv6-v6only': boolean;
  linger: Linger;
}

/** Options of TCP objects that can be read; `error` is the pending error's words, cleared by reading. tcp.c, optget. */
export interface TcpGettable {
  keepalive: boolean;
  reuseaddr: boolean;
  'tcp-nodelay': boolean;
  linger: Linger;
  error: string;
}

/** Options of UDP objects that can be set. udp.c, optset. */
export interface UdpSettable {
  dontroute: boolean;
  broadcast: boolean;
  reuseaddr: boolean;
  reuseport: boolean;
  /** An IPv4 literal, or `*` for any. */
  'ip-multicast-if': string;
  /** 0..255; -1 for the system's default. */
  'ip-multicast-ttl': number;
  'ip-multicast-loop': boolean;
  'ip-add-membership': Membership;
  'ip-drop-membership': Membership;
  'ipv6-unicast-hops': number;
  /** Sets the unicast hops, as LuaSocket does. */
  'ipv6-multicast-hops': number;
  'ipv6-multicast-loop': boolean;
  'ipv6-add-membership': Membership6;
  'ipv6-drop-membership': Membership6;
  'ipv6-v6only': boolean;
}

/** Options of UDP objects that can be read. udp.c, optget. */
export interface UdpGettable {
  'ip-multicast-if': string;
  'ip-multicast-loop': boolean;
  error: string;
  'ipv6-unicast-hops': number;
  'ipv6-multicast-hops': number;
  'ipv6-multicast-loop': boolean;
  'ipv6-v6only': boolean;
}

/** What TCP and UDP objects have in common. */
export interface AnySocket<F extends Face = 'async'> extends Selectable {
  /** Closes the socket; closing twice is harmless. Calls that wait on it end with `closed`. */
  close(): Answer<F, [1]>;
  /** The virtual descriptor, from 3 up; -1 when closed. */
  getfd(): number;
  /** Points the object at another descriptor of this session, as it is; the old one is not closed. TypeError for a non-number. */
  setfd(descriptor: Text): [];
  /** `inet4` or `inet6`. */
  getfamily(): Answer<F, ['inet4' | 'inet6']>;
  /** The local address. `["0.0.0.0", "0", "inet"]` before it is bound; `Bad file descriptor` when closed. inet.c. */
  getsockname(): Answer<F, LocalName>;
  /**
   * Limits how long calls wait, in seconds. Mode `b` (default): of a call, or of each wait in it if a total is set too;
   * mode `t`: in total. null or negative: no limit. RangeError for another mode. timeout.c.
   */
  settimeout(seconds?: number | string | null, mode?: string | null): [1];
  /** As Lua's tostring: `tcp{client}: 0x...`. */
  toString(): string;
}

/**
 * A TCP object. Its class changes in place: `tcp{master}` at birth, `tcp{client}` by connect (even a failed one),
 * `tcp{server}` by listen. A method that the class does not allow raises a TypeError.
 */
export interface TcpSocket<F extends Face = 'async', B = string> extends AnySocket<F> {
  readonly class: TcpClass;
  /** Server: the next connection, as a client object with no time limit. `timeout`, `closed`, `Invalid argument`. tcp.c. */
  accept(): Answer<F, [client: TcpSocket<F, B>, error?: undefined] | Failed>;
  /** Master: binds to a local address; `*` is the wildcard, port 0 an ephemeral port. */
  bind(address: Text, port: Text): Answer<F, Done | Failed>;
  /** The same as bind. */
  setsockname(address: Text, port: Text): Answer<F, Done | Failed>;
  /**
   * Connects; the class is client from then on, also after a failure. With a zero limit the answer is `timeout` while
   * the attempt goes on: `select` for writing tells when it is done.
   */
  connect(address: Text, port: Text): Answer<F, Done | Failed>;
  /** The same as connect. */
  setpeername(address: Text, port: Text): Answer<F, Done | Failed>;
  /** True when bytes are buffered that no receive has returned yet. */
  dirty(): boolean;
  /** Reads an option. RangeError for an unknown name. */
  getoption<K extends keyof TcpGettable>(option: K): Answer<F, OptionResult<TcpGettable[K]>>;
  /** Sets an option. RangeError for an unknown name, TypeError for a bad value. `setsockopt failed`. */
  setoption<K extends keyof TcpSettable>(option: K, value: TcpSettable[K]): Answer<F, Done | Failed>;
  /** The remote address. `Transport endpoint is not connected`, `Bad file descriptor`. */
  getpeername(): Answer<F, PeerName>;
  /** Client: what the object has received and sent in bytes, and its age in seconds. */
  getstats(): Stats;
  /** Client: sets those numbers; null keeps one. */
  setstats(received?: number | string | null, sent?: number | string | null, age?: number | string | null): [1];
  /** Master: makes it a server with room for `backlog` (default 32) waiting connections. */
  listen(backlog?: number | string | null): Answer<F, Done | Failed>;
  /**
   * Client: reads by pattern. `*l` (default): a line, without its end and without any carriage return; `*a`: all until
   * the end; a number: so many bytes. `prefix` is put in front, and counts towards a number. RangeError for another
   * pattern. buffer.c.
   */
  receive(pattern?: Text | null, prefix?: Data | null): Answer<F, ReceiveResult<B>>;
  /** Client: sends `data` from byte `i` (default 1) to byte `j` (default -1, the last), 1-based, inclusive, negative from the end. buffer.c. */
  send(data: Data, i?: number | string | null, j?: number | string | null): Answer<F, SendResult>;
  /** Client: shuts one or both directions down; `both` by default. RangeError for another word. */
  shutdown(mode?: 'both' | 'send' | 'receive' | null): Answer<F, [1]>;
}

/** A UDP object: `udp{unconnected}` at birth, `udp{connected}` by setpeername, back by setpeername("*"). */
export interface UdpSocket<F extends Face = 'async', B = string> extends AnySocket<F> {
  readonly class: UdpClass;
  /** Always false: datagrams are not buffered. */
  dirty(): boolean;
  /** Reads an option. RangeError for an unknown name. */
  getoption<K extends keyof UdpGettable>(option: K): Answer<F, OptionResult<UdpGettable[K]>>;
  /** Sets an option. RangeError for an unknown name, TypeError for a bad value. `setsockopt failed`. */
  setoption<K extends keyof UdpSettable>(option: K, value: UdpSettable[K]): Answer<F, Done | Failed>;
  /** Connected: the peer. */
  getpeername(): Answer<F, PeerName>;
  /** Receives one datagram, at most `size` bytes of it (default and at most 8192); the rest of it is lost. */
  receive(size?: number | string | null): Answer<F, [datagram: B, error?: undefined] | Failed>;
  /** Unconnected: receives one datagram, with the address and port it came from. */
  receivefrom(size?: number | string | null): Answer<F, [datagram: B, address: string, port: number] | Failed3>;
  /** Connected: sends one datagram to the peer; answers its size in bytes. */
  send(datagram: Data): Answer<F, [bytes: number, error?: undefined] | Failed>;
  /** Unconnected: sends one datagram; a literal address and a numeric port. Answers its size in bytes. */
  sendto(datagram: Data, address: Text, port: Text): Answer<F, [bytes: number, error?: undefined] | Failed>;
  /** Connects to a peer, so that only its datagrams are received; `"*"` disconnects. Any class. */
  setpeername(address: '*', port?: Text | null): Answer<F, [1]>;
  setpeername(address: Text, port: Text): Answer<F, Done | Failed>;
  /** Unconnected: binds to a local address; `*` is the wildcard, port 0 an ephemeral port. */
  setsockname(address: Text, port: Text): Answer<F, Done | Failed>;
}

/** `socket.dns`: served by the relay's resolver. inet.c. */
export interface Dns<F extends Face = 'async'> {
  /** The first IPv4 address of a name, and all that is known. `host not found`. */
  toip(host: Text): Answer<F, [address: string, info: HostInfo] | Failed>;
  /** The name of an IPv4 address. */
  tohostname(address: Text): Answer<F, [name: string, info: HostInfo] | Failed>;
  /** The relay's host name. */
  gethostname(): Answer<F, [name: string, error?: undefined] | Failed>;
  /** All addresses of a name, of both families, in the resolver's order. */
  getaddrinfo(host: Text): Answer<F, [addresses: AddressInfo[], error?: undefined] | Failed>;
  /** The names of a host's addresses, and the name of a service. TypeError when both are null. */
  getnameinfo(
    host: Text | null,
    service?: Text | null,
  ): Answer<F, [names: string[], service?: string] | [value: null, error: Reason]>;
}

/** A result without its failures. */
export type Succeeded<T extends readonly unknown[]> = T extends readonly [null, ...unknown[]] ? never : T;

/** Passes a success through, and throws a LuaSocketError on a failure. Takes the tuple itself, a Promise of it, or its values. */
export interface Try<F extends Face = 'async'> {
  <T extends readonly unknown[]>(result: T | PromiseLike<T>): Answer<F, Succeeded<T>>;
  <T extends readonly unknown[]>(...results: T): Answer<F, Succeeded<T>>;
}

/** What a protected function may return: a tuple, a single value, or nothing; on the async face also a Promise of it. */
export type Returned<T> = T extends readonly unknown[] ? T : T extends undefined ? [] : [T];

/** A source of chunks: each call answers the next, then `[null]`; `[null, reason]` on a failure. As in ltn12. */
export interface Source<F extends Face = 'async', B = string> extends Selectable {
  (): Answer<F, [chunk: B, error?: undefined] | [chunk: null, error?: Reason]>;
}

/** A sink for chunks: null ends it. As in ltn12. */
export interface Sink<F extends Face = 'async'> extends Selectable {
  (chunk?: Data | null, error?: unknown): Answer<F, SendResult | [status: 1, error?: undefined, lastIndex?: undefined]>;
}

/** How far the connection to the relay has got. `lost` and `closed` are final. */
export type RelayState = 'connecting' | 'connected' | 'reconnecting' | 'lost' | 'closed';

/**
 * One frame that went over the WebSocket, for an inspector. Names and fields as in PROTOCOL.md, secrets left out.
 * Bytes in it are views that may change once the listener has returned: copy what should last.
 */
export interface FrameEvent {
  readonly direction: 'sent' | 'received';
  /** Seconds since 1970 by this machine's clock. */
  readonly time: number;
  /** Bytes of the frame on the WebSocket. */
  readonly bytes: number;
  readonly frame: { readonly type: string; readonly [field: string]: unknown };
}

/** Why a relay in development mode has denied something; the program is told `permission denied`. */
export interface DeniedEvent {
  /** What was denied: `connect`, `sendto`, `bind`, `listen`, ... */
  readonly operation: string;
  /** Where to: `192.0.2.1:80` or `[2001:db8::1]:80`, a host, a group; null where there is nothing to name. */
  readonly target: string | null;
  readonly reason: string;
}

/** Counters since `connect`. */
export interface RelayStats {
  readonly framesSent: number;
  readonly framesReceived: number;
  readonly messagesSent: number;
  readonly messagesReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Sockets that are open now. */
  readonly sockets: number;
  /** How often the session was resumed after a lost WebSocket. */
  readonly resumes: number;
  /** Smallest roundtrip over this WebSocket, in seconds; null before the first. */
  readonly roundtrip: number | null;
}

/** One open socket, for an inspector. */
export interface SocketStatus {
  /** Its number in the frames. */
  readonly id: number;
  readonly kind: 'tcp' | 'udp';
  readonly state:
    | 'fresh'
    | 'connecting'
    | 'established'
    | 'half-closed'
    | 'closed'
    | 'listening'
    | 'unconnected'
    | 'connected';
  /** `127.0.0.1:80` or `[::1]:80`; null where it is not known here. */
  readonly local: string | null;
  readonly peer: string | null;
  /** Bytes of payload that have come and gone in all, and that have come and were not taken yet. */
  readonly received: number;
  readonly sent: number;
  readonly queued: number;
}

/** `socket.relay`: the connection that all sockets share. */
export interface RelayStatus {
  readonly state: RelayState;
  /** Why the session is lost, in words; null in all other states. */
  readonly reason: string | null;
  readonly stats: RelayStats;
  /** The sockets that are open now, as they are now. */
  readonly sockets: readonly SocketStatus[];
  /** Calls `listener` at each change of state; the function that it returns ends that. */
  on(event: 'state', listener: (state: RelayState) => void): () => void;
  /** Each frame, either way. Costs nothing while nobody listens. */
  on(event: 'frame', listener: (event: FrameEvent) => void): () => void;
  /** After each resume. */
  on(event: 'resumed', listener: () => void): () => void;
  /** Each operation that was denied, with the reason, before the program learns of it. Relays in public mode never tell. */
  on(event: 'denied', listener: (event: DeniedEvent) => void): () => void;
  /** Closes all sockets and the connection in good order. */
  close(): void;
}

/** LuaSocket's namespace over one connection to a relay. */
export interface SocketNamespace<F extends Face = 'async', B = string> {
  /** `LuaSocket 3.0-rc1`, the dialect. */
  readonly _VERSION: string;
  /** How many sockets `select` can watch: 1024. */
  readonly _SETSIZE: number;
  /** The size of a source's chunks in bytes: 2048. */
  readonly BLOCKSIZE: number;
  /** A new IPv4 TCP object. `Too many open files`. */
  tcp(): [socket: TcpSocket<F, B>, error?: undefined] | Failed;
  tcp4(): [socket: TcpSocket<F, B>, error?: undefined] | Failed;
  /** A new IPv6 TCP object, with `ipv6-v6only` set. */
  tcp6(): [socket: TcpSocket<F, B>, error?: undefined] | Failed;
  /** A new IPv4 UDP object. */
  udp(): [socket: UdpSocket<F, B>, error?: undefined] | Failed;
  udp4(): [socket: UdpSocket<F, B>, error?: undefined] | Failed;
  /** A new IPv6 UDP object, with `ipv6-v6only` set. */
  udp6(): [socket: UdpSocket<F, B>, error?: undefined] | Failed;
  /** A connected client. `family` limits the addresses tried. `connection refused`, ... tcp.c. */
  connect(
    address: Text,
    port: Text,
    localAddress?: Text | null,
    localPort?: Text | null,
    family?: 'inet' | 'inet6' | 'unspec' | null,
  ): Answer<F, [client: TcpSocket<F, B>, error?: undefined] | Failed>;
  connect4(
    address: Text,
    port: Text,
    localAddress?: Text | null,
    localPort?: Text | null,
  ): Answer<F, [client: TcpSocket<F, B>, error?: undefined] | Failed>;
  connect6(
    address: Text,
    port: Text,
    localAddress?: Text | null,
    localPort?: Text | null,
  ): Answer<F, [client: TcpSocket<F, B>, error?: undefined] | Failed>;
  /** A listening server with `reuseaddr` set; `*` is the IPv4 wildcard. socket.lua. */
  bind(
    host: Text,
    port: Text,
    backlog?: number | string | null,
  ): Answer<F, [server: TcpSocket<F, B>, error?: undefined] | Failed>;
  /**
   * Waits until one of `recvt` is readable or one of `sendt` writable, at most `timeout` seconds (null or negative: for
   * ever). RangeError for a descriptor above 1023. select.c.
   */
  select<R extends Selectable, W extends Selectable>(
    recvt?: readonly R[] | null,
    sendt?: readonly W[] | null,
    timeout?: number | string | null,
  ): Answer<F, SelectResult<R, W>>;
  /** Waits so many seconds, by the relay's clock too. */
  sleep(seconds: number | string): Answer<F, []>;
  /**
   * Seconds since 1970 by the relay's clock, as round trips tell it. Never runs backwards: where it was ahead, it goes at
   * half the pace until it is right, so a time limit that ended just then may look shorter than it was.
   */
  gettime(): number;
  /** A `try` that runs `finalizer` before it throws; what the finalizer throws is ignored. */
  newtry(finalizer?: unknown): Try<F>;
  /** A function that answers `[null, value]` where `f` throws what a try throws. */
  protect<A extends unknown[], T>(
    f: (...args: A) => T,
  ): (...args: A) => Answer<F, Returned<F extends 'async' ? Awaited<T> : T> | [value: null, error: unknown]>;
  try: Try<F>;
  /** The values after the first `count`. */
  skip(count: number | string, ...values: unknown[]): unknown[];
  /** A function that calls the entry of `table` that its first argument names, or `default`. socket.lua. */
  choose<T extends { readonly [name: string]: (first: never, second: never) => unknown }>(
    table: T,
  ): (...args: unknown[]) => ReturnType<T[keyof T]>;
  /** Chunks of a client until its end: `until-closed` (default), or `by-length`. */
  source(mode: 'by-length', socket: TcpSocket<F, B>, length: number): Source<F, B>;
  source(mode: 'until-closed' | 'default', socket: TcpSocket<F, B>): Source<F, B>;
  source(socket: TcpSocket<F, B>): Source<F, B>;
  /** Sends chunks to a client: `keep-open` (default), or `close-when-done`. */
  sink(mode: 'keep-open' | 'close-when-done' | 'default', socket: TcpSocket<F, B>): Sink<F>;
  sink(socket: TcpSocket<F, B>): Sink<F>;
  readonly dns: Dns<F>;
  /** The connection to the relay. */
  readonly relay: RelayStatus;
}

/** The WebSocket class to use; the browser's, Node's, and that of the `ws` package fit. */
export type WebSocketConstructor = new (url: string, protocols?: string | string[]) => WebSocketLike;

/** What is needed of a WebSocket. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void;
}

/** Options of `connect`. */
export interface ConnectOptions<S extends StringMode = 'utf8'> {
  /** The ticket that a public relay asks for. */
  ticket?: string;
  /**
   * How byte strings look. `utf8` (default): text; bytes that are not valid UTF-8 become lone surrogates U+DC80..U+DCFF,
   * so that `send(receive())` is exact. `bytes`: Uint8Array; one of 32 KiB or more may be a view of a larger buffer, so
   * transfer the buffer of a `slice()` and not its own. `binary`: one character per byte.
   */
  strings?: S;
  /** The WebSocket class, where there is no global one. */
  WebSocket?: WebSocketConstructor;
  /** Where the worker's script is; only `luasocket-web/blocking` has one. */
  workerUrl?: string | URL;
  /** Gives up connecting, and closes the connection later. */
  signal?: AbortSignal;
}
