/**
 * What we use of Node that its documentation does not promise: a socket's `_handle` (libuv's, with the descriptor),
 * `net._createServerHandle`, which is how Node's own cluster module binds, and, where sockets are made of a handle
 * (stream.ts, ../carrier.ts), `net.Socket`'s options `handle` and `manualStart`. All in use since Node 0.x; kept
 * together, as far as may be, so that there is one place to look when Node moves.
 */
import net from 'node:net';
import { getSystemErrorName } from 'node:util';
import type { Endpoint } from '@luasocket-web/shared/address';
import { isOutcomeCode } from '@luasocket-web/shared/errors';
import { addressText, endpointOf } from './endpoint.ts';
import { SystemFailure } from './socket.ts';

/** libuv's handle of a TCP socket, as far as we touch it. */
export interface Handle {
  /** Absent on Windows. */
  readonly fd?: number;
  /** A libuv error (negative) or 0. */
  getsockname(out: { address?: string; port?: number }): number;
  close(): void;
}

interface Holder {
  _handle: Handle | null;
}

type CreateServerHandle = (address: string, port: number, family: 4 | 6, fd: undefined, flags: number) => unknown;

/** UV_TCP_IPV6ONLY. */
const IPV6_ONLY = 1;

export function handleOf(socket: net.Socket): Handle | null {
  return (socket as unknown as Holder)._handle;
}

/** Takes the connection out of a socket that a server made, TCP or HTTP, so that another socket can have it. */
export function takeHandle(socket: net.Socket): Handle | null {
  const holder = socket as unknown as Holder;
  const handle = holder._handle;
  holder._handle = null;
  return handle;
}

/** A TCP handle bound to an address: bind(2), which may turn up a taken port only on listen or connect. */
export function boundHandle({ family, ...local }: Endpoint): Handle {
  const create = (net as unknown as { _createServerHandle: CreateServerHandle })._createServerHandle;
  const flags = family === 6 ? IPV6_ONLY : 0;
  const handle = create(addressText(null, { family, ...local }), local.port, family, undefined, flags);
  if (typeof handle === 'number') throw libuvFailure(handle);
  return handle as Handle;
}

export function handleName(handle: Handle): Endpoint {
  const out: { address?: string; port?: number } = {};
  const result = handle.getsockname(out);
  if (result < 0) throw libuvFailure(result);
  return endpointOf(null, out.address ?? '', out.port ?? 0);
}

function libuvFailure(result: number): SystemFailure {
  const name = getSystemErrorName(result);
  return isOutcomeCode(name) ? new SystemFailure(name) : new SystemFailure('EAI_SYSTEM', name);
}
