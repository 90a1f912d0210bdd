/**
 * An endpoint as the kernel wants it: struct sockaddr_in and sockaddr_in6. The bytes in network order are those of the
 * protocol's endpoint (`packEndpoint`), so only family, length and their places are ours.
 */
import { endianness } from 'node:os';
import { type Endpoint, endpointOf, packEndpoint } from '@luasocket-web/shared/address';
import type { SocketConstants } from './constants.ts';

/** sizeof(struct sockaddr_in6), the larger of the two. */
export const SOCKADDR_BYTES = 28;
const SOCKADDR_IN_BYTES = 16;
const LITTLE = endianness() === 'LE';

/** Writes `endpoint` into `out` (at least SOCKADDR_BYTES long); answers how many bytes of it count. */
export function writeSockaddr(out: Uint8Array, endpoint: Endpoint, c: SocketConstants): number {
  const packed = packEndpoint(endpoint);
  const address = endpoint.family === 4 ? 4 : 16;
  const length = endpoint.family === 4 ? SOCKADDR_IN_BYTES : SOCKADDR_BYTES;
  out.fill(0);
  writeFamily(out, endpoint.family === 4 ? c.AF_INET : c.AF_INET6, length, c);
  out.set(packed.subarray(address, address + 2), 2);
  out.set(packed.subarray(0, address), endpoint.family === 4 ? 4 : 8);
  if (endpoint.family === 6) new DataView(out.buffer, out.byteOffset).setUint32(24, endpoint.scope ?? 0, LITTLE);
  return length;
}

/** The address of no family, with which connect(2) dissolves an association. */
export function writeUnspecified(out: Uint8Array, c: SocketConstants): number {
  out.fill(0);
  writeFamily(out, 0, SOCKADDR_IN_BYTES, c);
  return SOCKADDR_IN_BYTES;
}

/** Reads what the kernel wrote; null for a family that is neither IPv4 nor IPv6. */
export function readSockaddr(bytes: Uint8Array, c: SocketConstants): Endpoint | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const family = c.sockaddrHasLength ? view.getUint8(1) : view.getUint16(0, LITTLE);
  if (family === c.AF_INET) return endpointOf(4, bytes, 4, 2);
  return family === c.AF_INET6 ? endpointOf(6, bytes, 8, 2, view.getUint32(24, LITTLE)) : null;
}

function writeFamily(out: Uint8Array, family: number, length: number, c: SocketConstants): void {
  if (c.sockaddrHasLength) {
    out[0] = length;
    out[1] = family;
  } else new DataView(out.buffer, out.byteOffset).setUint16(0, family, LITTLE);
}
