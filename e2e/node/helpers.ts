/** Sessions of the client, in Node, on a real relay in this process; and how to wait for their sockets. */
import type { AddressInfo } from 'node:net';
import { createRelay, type Relay, type RelayConfig } from 'luasocket-relay';
import { onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { END, Failure, type Pending, type Source, type Stream } from '../../client/src/core/channel.ts';
import { openSession, type Session } from '../../client/src/session/connect.ts';
import type { Endpoint } from '../../shared/src/address.ts';

/** A relay for the length of a test. */
export async function startRelay(config: RelayConfig = {}): Promise<Relay> {
  const relay = await createRelay({ listen: '127.0.0.1:0', log: 'silent', ...config });
  onTestFinished(() => relay.close());
  return relay;
}

/** A session for the length of a test. */
export async function connectTo(url: string): Promise<Session> {
  const session = await openSession(url, { WebSocket });
  onTestFinished(() => session.close());
  return session;
}

/** Resolves once `ready` holds, which `source` wakes for. */
export function until(source: Source, ready: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    if (ready()) {
      resolve();
      return;
    }
    const leave = source.subscribe(() => {
      if (!ready()) return;
      leave();
      resolve();
    });
  });
}

/** The answer; throws what failed. */
export async function answer<T>(pending: Pending<T>): Promise<T> {
  await until(pending, () => pending.settled);
  return made(pending.result);
}

/** What did not fail. */
export function made<T>(result: T | Failure): T {
  if (result instanceof Failure) throw new Error(result.detail ?? result.code);
  return result;
}

export function local(port: number): Endpoint {
  return { family: 4, address: '127.0.0.1', port };
}

export function portOf(server: { address(): string | AddressInfo | null }): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it does not listen');
  return address.port;
}

/** A stream connected to a port of this machine. */
export async function dial(session: Session, port: number): Promise<Stream> {
  const stream = made(session.channel.tcp(4));
  await answer(stream.connect(local(port)));
  await until(stream, () => stream.writable);
  const error = stream.takeError();
  if (error) throw new Error(error.code);
  return stream;
}

export async function sendAll(stream: Stream, data: Uint8Array): Promise<void> {
  for (let at = 0; at < data.length; ) {
    const sent = made(stream.send(data, at, data.length));
    at += sent;
    if (sent === 0) await until(stream, () => stream.writable);
  }
}

/** The next bytes, or the end; throws what failed. */
export async function read(stream: Stream): Promise<Uint8Array | typeof END> {
  for (;;) {
    const got = stream.recv(65_536);
    if (got === END || got instanceof Uint8Array) return got;
    if (got instanceof Failure) throw new Error(got.code);
    await until(stream, () => stream.readable);
  }
}

/** So many bytes, or what came before the end. */
export async function readAll(stream: Stream, length = Number.POSITIVE_INFINITY): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let total = 0;
  while (total < length) {
    const got = await read(stream);
    if (got === END) break;
    parts.push(got);
    total += got.length;
  }
  return Buffer.concat(parts);
}

/** Bytes in which every place is known by what stands there. */
export function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = Math.imul(i, 2_654_435_761) >>> 24;
  return bytes;
}
