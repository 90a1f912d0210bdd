/** What a stranger's client does in tests of public mode. */
import { type Endpoint, unpackEndpoint } from '@luasocket-web/shared/address';
import { KIND, USE, type Value } from '@luasocket-web/shared/frames';
import { onTestFinished } from 'vitest';
import { loadSystem } from '../../src/os/libc.ts';
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

/** Where attempts to connect get no answer: a listening socket whose kernel drops what arrives. */
export function startBlackHole(): number {
  const system = loadSystem();
  if (system === null) throw new Error('these tests need the system calls');
  const fd = system.socket('stream', 4);
  onTestFinished(() => {
    system.close(fd);
  });
  system.bind(fd, at('127.0.0.1', 0));
  system.listen(fd, 1);
  system.dropAll(fd, true);
  const name = system.localName(fd);
  if (typeof name === 'number') throw new Error('no port');
  return name.port;
}
