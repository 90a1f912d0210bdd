/**
 * Addresses: what an endpoint is, and its binary and text forms. Text is what inet_ntop prints (RFC 5952),
 * since that is what LuaSocket's getsockname shows.
 */

/** An address with its port. */
export interface Endpoint {
  /** 4 or 6. */
  readonly family: Family;
  /** As inet_ntop prints it, e.g. `127.0.0.1`, `::1`, `::ffff:10.0.0.1`; no scope. */
  readonly address: string;
  /** 0..65535. */
  readonly port: number;
  /** The interface index of a link-local IPv6 address; absent or 0 when none. */
  readonly scope?: number;
}
export type Family = 4 | 6;
