/** How many resumes were refused to whom in the last minute, so that nobody can try for long. Here, in this process. Reads no clock. */
import { packEndpoint, parseAddress } from '@luasocket-web/shared/address';

const MINUTE = 60_000;
/** Addresses that are remembered at most; the oldest goes. */
const MAX_ADDRESSES = 10_000;
/** Bytes of an IPv6 address that tell its owner, who has all the others: a network of 64 bits. */
const NETWORK_BYTES = 8;

export interface Refusals {
  /** One more was refused at `now` (milliseconds, never going back). Answers whether that is more than there may be. */
  add(address: string, now: number): boolean | Promise<boolean>;
}

export class LocalRefusals implements Refusals {
  readonly #most: number;
  /** By address, oldest first; `since` in milliseconds. */
  readonly #counts = new Map<string, { since: number; count: number }>();

  /** @param most refusals of one address in a minute that are told why, at least 1. */
  constructor(most: number) {
    this.#most = most;
  }

  add(address: string, now: number): boolean {
    const key = ownerOf(address);
    const known = this.#counts.get(key);
    if (known && now - known.since < MINUTE) {
      known.count++;
      return known.count > this.#most;
    }
    this.#counts.delete(key);
    this.#counts.set(key, { since: now, count: 1 });
    for (const [oldest, { since }] of this.#counts) {
      if (this.#counts.size <= MAX_ADDRESSES && now - since < MINUTE) break;
      this.#counts.delete(oldest);
    }
    return false;
  }
}

function ownerOf(text: string): string {
  const parsed = parseAddress(text);
  if (parsed?.family !== 6 || parsed.address.startsWith('::ffff:')) return parsed?.address ?? text;
  const bytes = packEndpoint({ ...parsed, port: 0 }).subarray(0, NETWORK_BYTES);
  return Buffer.from(bytes).toString('hex');
}
