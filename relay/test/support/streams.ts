/** TCP sockets of a session, and what their peers get. */
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { type Frame, KIND } from '@luasocket-web/shared/frames';
import type { RawClient } from './client.ts';
import type { Peer } from './relay.ts';

export const loopback = (port: number) => ({ family: 4, address: '127.0.0.1', port }) as const;

/** A TCP socket of the session, connected to `peer`. */
export async function stream(client: RawClient, socket: number, peer: Peer): Promise<Socket> {
  client.send({ type: 'open', socket, kind: KIND.tcp, family: 4 });
  client.send({ type: 'connect', request: client.number(), socket, target: loopback(peer.port) });
  await client.next('connected');
  return peer.connection();
}

export const data = (socket: number, payload: Uint8Array): Frame => ({ type: 'data', socket, payload });
export const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** What comes from now on, up to its end. */
export async function all(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part);
  return Buffer.concat(parts);
}
