/**
 * The tuples that operations answer: LuaSocket's results, `null` for nil. They are part of the public types (../api.ts),
 * and stand here because this room imports nothing from outside.
 */

/** The message of a failure. Those named here are the ones programs look for; others are the system's words. */
export type Reason = 'timeout' | 'closed' | 'connection refused' | (string & {});

/** A failure: nil and its message. */
export type Failed = [value: null, error: Reason];

/** Success without a value: the number 1. */
export type Done = [status: 1, error?: undefined];

/** The address family of a name. */
export type AddressFamily = 'inet' | 'inet6';

/** The names of classes, as in `.class` and Lua's `tostring`. */
export type TcpClass = 'tcp{master}' | 'tcp{client}' | 'tcp{server}';
export type UdpClass = 'udp{unconnected}' | 'udp{connected}';

/** `[data, null, null]`, or `[null, reason, partial]`: what had come before it failed (its carriage returns dropped for `*l`). */
export type ReceiveResult<B> = [data: B, error: null, partial: null] | [data: null, error: Reason, partial: B];

/** `[index, null, null]`, or `[null, reason, index]`: the 1-based index of the last byte that was sent, in the whole of `data`. */
export type SendResult =
  | [index: number, error: null, lastIndex: null]
  | [index: null, error: Reason, lastIndex: number];

/** Local address, port (a string, as in LuaSocket 3.0-rc1), family. */
export type LocalName = [address: string, port: string, family: AddressFamily] | Failed3;

/** Remote address, port (a number), family. */
export type PeerName = [address: string, port: number, family: AddressFamily] | Failed3;

/** A failure where the success has three values. */
export type Failed3 = [value: null, error: Reason, unused?: undefined];

/** Bytes received, bytes sent, age of the object in seconds. */
export type Stats = [received: number, sent: number, age: number];

/** The value of an option; `[null]` for no pending error; `[null, "getsockopt failed"]`. */
export type OptionResult<T> = [value: T, error?: undefined] | [value: null, error?: Reason];

/** What `select` needs of an object; sockets, sources and sinks have it, and so may objects of yours. */
export interface Selectable {
  /** The descriptor; below 0 the object is passed over. */
  getfd(): number;
  /** True when data is buffered outside the descriptor, so that waiting for it would be wrong. */
  dirty(): boolean;
}

/** A list of sockets that also answers where a socket stands: Lua's table with two kinds of keys. */
export interface SocketList<T> extends ReadonlyArray<T> {
  /** The 1-based index of the socket, or undefined. */
  get(socket: unknown): number | undefined;
}

/** What is readable and what is writable; `timeout` when neither came within the limit. */
export type SelectResult<R, W> = [readable: SocketList<R>, writable: SocketList<W>, error?: 'timeout'];

/** What `dns.toip` and `dns.tohostname` tell beside the name. */
export interface HostInfo {
  name: string;
  alias: string[];
  ip: string[];
}

/** One address of a host. */
export interface AddressInfo {
  family: AddressFamily;
  addr: string;
}
