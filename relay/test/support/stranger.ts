/** What a stranger's client does in tests of public mode. */
import { type Endpoint, unpackEndpoint } from '@luasocket-web/shared/address';
import { KIND, USE, type Value } from '@luasocket-web/shared/frames';
import type { RawClient } from './client.ts';

/** Claims for loopback, since tests contact nobody else. */
export const LOOPBACK = { net: { tcp: ['127.0.0.0/8:*'], udp: ['127.0.0.0/8:*'] } };
export const at = (address: string, port: number) => ({ family: 4, address, port }) as const;

export type Answer = Value | { readonly error: string };
export const DENIED = { error: 'EACCES' };

export const open = (client: RawClient, socket: number, kind: 'tcp' | 'udp') =>
  client.send({ type: 'open', socket, kind: KIND[kind], family: 4 });
export const connectTo = (client: RawClient, socket: number, address: string, port: number): Promise<Answer> =>
  client.ask((request) => ({ type: 'connect', request, socket, target: at(address, port) }));
export const sendTo = (client: RawClient, socket: number, address: string, port: number, bytes = 1): Promise<Answer> =>
  client.ask((request) => ({
    type: 'sendto',
    request,
    socket,
    peer: at(address, port),
    payload: Buffer.alloc(bytes),
  }));
export const resolve = (client: RawClient, host: string | null): Promise<Answer> =>
  client.ask((request) => ({ type: 'resolve', request, host, service: '80', family: 4, kind: 0, use: USE.connect }));

/** getsockname */
export async function nameOf(client: RawClient, socket: number): Promise<Endpoint> {
  return unpackEndpoint((await client.ask((request) => ({ type: 'getsockname', request, socket }))) as Uint8Array);
}
