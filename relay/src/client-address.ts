/**
 * Whose address a request has come from. X-Forwarded-For is what anybody writes; so it counts as far as proxies that we
 * trust have written it: from its end, up to the first address that is no such proxy.
 */
import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';
import { isWithin, parse } from './policy/address.ts';

/** @param proxies CIDRs. */
export function clientAddress(request: IncomingMessage, proxies: readonly string[]): string {
  let address = peerAddress(request.socket);
  const header = request.headers['x-forwarded-for'];
  const chain = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').map((part) => part.trim());
  while (isAmong(address, proxies)) {
    const before = chain.pop();
    // What a trusted proxy passes on and is no address says nothing.
    if (before === undefined || parse(before) === null) break;
    address = plain(before);
  }
  return address;
}

/** Where a connection comes from, proxy or not. Empty: it is gone already. */
export function peerAddress({ remoteAddress }: { readonly remoteAddress?: string | undefined }): string {
  return plain(remoteAddress ?? '');
}

/** Whether an address lies in one of the networks. */
export function isAmong(address: string, nets: readonly string[]): boolean {
  const parsed = parse(address);
  return parsed !== null && nets.some((net) => isWithin(parsed, ipaddr.parseCIDR(net)));
}

/** IPv4 on a dual-stack socket is IPv4. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '').replace(/%.*$/, '');
}
