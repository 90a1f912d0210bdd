/**
 * System calls on descriptors, and the waiting around them: usocket.c. Each call tries; when it would block it waits as
 * long as the time limit allows and tries again. Before it answers "timeout" it makes sure that nothing is on its way.
 */
import { words } from '@luasocket-web/shared/errors';
import { type Datagram, END, Failure, type Stream, type Where } from './channel.ts';
import { type Context, fence, granted } from './context.ts';
import { type AnyKind, INVALID, type Slot } from './descriptors.ts';
import type { Op, Wait } from './op.ts';
import type { Timeout } from './timeout.ts';

/** io.h's own codes. The peer has finished, or there is no descriptor; told apart from a lost relay by identity. */
export const IO_CLOSED = new Failure('CLOSED');
export const IO_TIMEOUT = new Failure('ETIMEDOUT');

/** Whoever holds a descriptor: it can change while a call waits. */
export interface Holder {
  readonly descriptor: number;
}

/** The refusal of an earlier call that was taken for granted; the call that asks for it is the one that tells it. */
export function refusalOf(context: Context, holder: Holder): Failure | null {
  return context.descriptors.get(holder.descriptor)?.assumptions.take() ?? null;
}

/** The slot of a descriptor; IO_CLOSED without a descriptor, EBADF when it stands for nothing; or what was refused. */
export function lookUp(context: Context, holder: Holder): Slot | Failure {
  if (holder.descriptor === INVALID) return IO_CLOSED;
  const slot = context.descriptors.get(holder.descriptor);
  return slot === undefined ? new Failure('EBADF') : (slot.assumptions.take() ?? slot);
}

/** The slot behind a descriptor, for the calls that LuaSocket makes without looking whether there is one. */
export function slotOf(context: Context, holder: Holder): Slot | Failure {
  return context.descriptors.get(holder.descriptor) ?? new Failure('EBADF');
}

/** The socket behind it, likewise. */
export function socketOf(context: Context, holder: Holder): AnyKind | Failure {
  return context.descriptors.get(holder.descriptor)?.socket ?? new Failure('EBADF');
}

/** socket_waitfd. `deadline` is on the channel's clock. */
export function waitFor(slot: Slot, direction: 'readable' | 'writable', deadline: number): Wait {
  const { socket } = slot;
  return { sources: [socket, slot], ready: () => slot.closed || socket[direction], deadline };
}

/** The loop that all calls of usocket.c have: tries until `attempt` answers something else than null. */
function* retry<T>(
  context: Context,
  holder: Holder,
  timeout: Timeout,
  direction: 'readable' | 'writable',
  attempt: (socket: AnyKind) => T | null,
): Op<T | Failure> {
  let expired = false;
  for (;;) {
    const slot = lookUp(context, holder);
    if (slot instanceof Failure) return slot;
    const { socket } = slot;
    const result = attempt(socket);
    if (result !== null) return result;
    if (expired) return IO_TIMEOUT;
    const now = context.channel.now();
    const limit = context.patience === 'never' ? 0 : timeout.patience(now);
    const wait = waitFor(slot, direction, now + limit);
    if (limit > 0) {
      yield wait;
      if (wait.ready()) continue;
    }
    expired = true;
    // One last look, at what the relay's kernel has.
    yield* fence(context, wait.sources, wait.ready);
  }
}

/**
 * socket_recv on a stream: 1 to `max` bytes, in as many pieces as they came in; IO_CLOSED at the end. With `deaf`
 * (reading was shut down here) the end may only mean that nothing is here: what the kernel has queued is still delivered.
 */
export function* receive(
  context: Context,
  holder: Holder & { readonly deaf: boolean },
  timeout: Timeout,
  max: number,
): Op<Uint8Array[] | Failure> {
  const attempt = (socket: AnyKind): Uint8Array[] | Failure | null => {
    const got = take(socket, max);
    if (got === null || got instanceof Failure) return got;
    if (got.payload.length === 0) return IO_CLOSED;
    const pieces = [got.payload.length > max ? got.payload.subarray(0, max) : got.payload];
    if (socket.kind === 'tcp') gather(socket, max - got.payload.length, pieces);
    return pieces;
  };
  const got = yield* retry(context, holder, timeout, 'readable', attempt);
  if (got !== IO_CLOSED || !holder.deaf) return got;
  const slot = lookUp(context, holder);
  if (slot instanceof Failure) return slot;
  yield* fence(context, [slot], () => slot.closed);
  return slot.closed ? IO_CLOSED : (attempt(slot.socket) ?? IO_CLOSED);
}

/** Takes what else is there, up to `max` bytes: recv(2) would have had it in one. */
function gather(socket: Stream, max: number, pieces: Uint8Array[]): void {
  for (let left = max; left > 0 && socket.available > 0; ) {
    const more = socket.recv(left);
    if (!(more instanceof Uint8Array)) return;
    pieces.push(more);
    left -= more.length;
  }
}

/** What recvfrom(2) yields; from a stream it has no peer, and no bytes at the end. */
export type Message = Datagram | { readonly payload: Uint8Array; readonly peer: null };

function take(socket: AnyKind, max: number): Message | Failure | null {
  const got = socket.kind === 'udp' ? socket.recv() : socket.recv(max);
  if (got === END) return { payload: new Uint8Array(), peer: null };
  return got instanceof Uint8Array ? { payload: got, peer: null } : got;
}

/** socket_recv and socket_recvfrom for datagrams: the next one, whole. `max` only counts for a stream's descriptor. */
export function receiveFrom(context: Context, holder: Holder, timeout: Timeout, max: number): Op<Message | Failure> {
  return retry(context, holder, timeout, 'readable', (socket) => take(socket, max));
}

/** socket_send on a stream: how many bytes of data[from..to) were taken, at least one. */
export function send(
  context: Context,
  holder: Holder,
  timeout: Timeout,
  data: Uint8Array,
  from: number,
  to: number,
): Op<number | Failure> {
  return retry(context, holder, timeout, 'writable', (socket) => trySend(socket, data, from, to));
}

/** The same without waiting; null: it would have to wait, or something else is to be told, which `send` does. */
export function sendAtOnce(context: Context, holder: Holder, data: Uint8Array): number | Failure | null {
  const slot = context.descriptors.get(holder.descriptor);
  return slot === undefined || slot.assumptions.refused ? null : trySend(slot.socket, data, 0, data.length);
}

function trySend(socket: AnyKind, data: Uint8Array, from: number, to: number): number | Failure | null {
  // A datagram socket that setfd put here has no peer.
  if (socket.kind === 'udp') return new Failure('EDESTADDRREQ');
  const taken = socket.send(data, from, to);
  if (taken instanceof Failure) return taken.code === 'EPIPE' ? IO_CLOSED : taken;
  return taken === 0 ? null : taken;
}

/** socket_strerror, which has no words of its own for EPIPE: only a send calls it closed. */
export const strerror = (failure: Failure): string => (failure.code === 'EPIPE' ? 'Broken pipe' : words(failure));

/** socket_accept: the next connection. */
export function accept(context: Context, holder: Holder, timeout: Timeout): Op<Stream | Failure> {
  return retry(context, holder, timeout, 'readable', (socket): Stream | Failure | null => {
    if (socket.kind === 'udp') return new Failure('EOPNOTSUPP');
    const got = socket.accept();
    // A connection that is gone again: LuaSocket goes on to the next.
    return got instanceof Failure && got.code === 'ECONNABORTED' ? null : got;
  });
}

/** socket_connect: null when it is connected. */
export function* connect(context: Context, holder: Holder, timeout: Timeout, where: Where): Op<Failure | null> {
  const slot = lookUp(context, holder);
  if (slot instanceof Failure) return slot;
  const { socket } = slot;
  if (socket.kind === 'udp') return (yield* granted(context, slot, socket.connect(where), undefined)) ?? null;
  const ready = () => slot.closed || socket.writable;
  let outcome = yield* granted(context, slot, socket.connect(where), 'started');
  if (outcome instanceof Failure && outcome.code === 'EALREADY') {
    // That it is done may be on its way.
    yield* fence(context, [socket, slot], ready);
    if (!slot.closed && ready()) outcome = yield* granted(context, slot, socket.connect(where), 'started');
  }
  if (outcome instanceof Failure) return outcome;
  if (outcome === 'done') return null;
  if (timeout.isZero || context.patience === 'never') return IO_TIMEOUT;
  const now = context.channel.now();
  const limit = timeout.patience(now);
  if (limit > 0) yield { sources: [socket, slot], ready, deadline: now + limit };
  if (!ready()) yield* fence(context, [socket, slot], ready);
  if (slot.closed) return IO_CLOSED;
  return socket.writable ? socket.takeError() : IO_TIMEOUT;
}
