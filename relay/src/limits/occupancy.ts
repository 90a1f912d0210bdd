/** Counts what one client address, or one holder of tickets, has at once; here, in this process. */
import { isIPv6 } from 'node:net';
import { parse } from '../policy/address.ts';

/** Bytes of an IPv6 address that one customer has: /64 (RFC 6177). */
const PREFIX_BYTES = 8;

export interface Occupancy {
  /** One more under `key`. Answers what takes it back; null: there are `most` already. */
  enter(key: string, most: number): (() => void) | null | Promise<(() => void) | null>;
}

export class LocalOccupancy implements Occupancy {
  readonly #counts = new Map<string, number>();

  enter(key: string, most: number): (() => void) | null {
    const count = this.#counts.get(key) ?? 0;
    if (count >= most) return null;
    this.#counts.set(key, count + 1);
    return () => {
      const left = (this.#counts.get(key) ?? 1) - 1;
      if (left === 0) this.#counts.delete(key);
      else this.#counts.set(key, left);
    };
  }
}

/** One key for all addresses of one customer. */
export function customerOf(address: string): string {
  if (!isIPv6(address)) return address;
  return parse(address)?.toByteArray().slice(0, PREFIX_BYTES).join('.') ?? address;
}
