/**
 * Buffered receiving and sending: buffer.c. What was read from the kernel and not yet handed out is visible (dirty,
 * select, close), so the buffer is filled as LuaSocket fills it: at most 8192 bytes, and only when it is empty.
 */
import { words } from '@luasocket-web/shared/errors';
import type { Args } from './args.ts';
import { Failure } from './channel.ts';
import type { Context } from './context.ts';
import type { Slot } from './descriptors.ts';
import { isNil, toLong, toSize } from './lua.ts';
import type { Op } from './op.ts';
import type { ReceiveResult, SendResult, Stats } from './results.ts';
import type { TcpState } from './state.ts';
import { concatenate, decoded } from './strings.ts';
import * as usocket from './usocket.ts';

/** buffer.h, BUF_SIZE. */
const BUFFER_SIZE = 8192;
const LF = 10;
const CR = 13;

/** buffer_get: sees to it that the buffer holds something. */
function* get(context: Context, state: TcpState): Op<Failure | null> {
  if (!state.buffer.isEmpty) return null;
  const got = yield* usocket.receive(context, state, state.timeout, BUFFER_SIZE);
  if (got instanceof Failure) return got;
  state.buffer.fill(concatenate(got));
  return null;
}

/**
 * buffer_get and buffer_skip for whoever takes everything: up to `max` bytes of what the kernel has, past the buffer,
 * which is empty. `max` is a multiple of BUFFER_SIZE: as many buffers would have been filled and emptied.
 */
function* getThrough(context: Context, state: TcpState, max: number, out: Uint8Array[]): Op<number | Failure> {
  const got = yield* usocket.receive(context, state, state.timeout, max);
  if (got instanceof Failure) return got;
  let count = 0;
  for (const piece of got) {
    out.push(piece);
    count += piece.length;
  }
  state.received += count;
  return count;
}

/** buffer_skip, counted. */
function skip(state: TcpState, count: number): void {
  state.received += count;
  state.buffer.skip(count);
}

/** recvraw: `wanted` bytes; with 0 it still waits for some and takes none. */
function* receiveCount(context: Context, state: TcpState, wanted: number, out: Uint8Array[]): Op<Failure | null> {
  let left = wanted;
  do {
    if (left >= BUFFER_SIZE && state.buffer.isEmpty) {
      const count = yield* getThrough(context, state, left - (left % BUFFER_SIZE), out);
      if (count instanceof Failure) return count;
      left -= count;
      continue;
    }
    const failure = yield* get(context, state);
    if (failure !== null) return failure;
    const content = state.buffer.content;
    const count = Math.min(content.length, left);
    if (count > 0) out.push(count === content.length ? content : content.subarray(0, count));
    skip(state, count);
    left -= count;
  } while (left > 0);
  return null;
}

/** recvall: until the end, which is a success if anything came in this call. */
function* receiveAll(context: Context, state: TcpState, out: Uint8Array[]): Op<Failure | null> {
  const before = state.received;
  if (!state.buffer.isEmpty) {
    const content = state.buffer.content;
    out.push(content);
    skip(state, content.length);
  }
  for (;;) {
    const count = yield* getThrough(context, state, Number.POSITIVE_INFINITY, out);
    if (count === usocket.IO_CLOSED && state.received !== before) return null;
    if (count instanceof Failure) return count;
  }
}

/** recvline: up to LF, which is dropped, as is every CR. */
function* receiveLine(context: Context, state: TcpState, out: Uint8Array[]): Op<Failure | null> {
  for (;;) {
    const failure = yield* get(context, state);
    if (failure !== null) return failure;
    const content = state.buffer.content;
    const end = content.indexOf(LF);
    pushWithout(CR, end < 0 ? content : content.subarray(0, end), out);
    skip(state, end < 0 ? content.length : end + 1);
    if (end >= 0) return null;
  }
}

function pushWithout(dropped: number, bytes: Uint8Array, out: Uint8Array[]): void {
  let from = 0;
  for (let at = bytes.indexOf(dropped); at >= 0; at = bytes.indexOf(dropped, from)) {
    if (at > from) out.push(bytes.subarray(from, at));
    from = at + 1;
  }
  if (from < bytes.length) out.push(bytes.subarray(from));
}

/** What receive is asked for: so many bytes, prefix included, a line, or all. */
function wanted(args: Args): number | 'line' | 'all' {
  const count = args.numeric(1);
  if (count !== null && count >= 0) return toSize(count);
  const pattern = count === null ? args.optText(1, '*l') : '';
  if (pattern.startsWith('*l')) return 'line';
  if (pattern.startsWith('*a')) return 'all';
  return args.fail(1, 'invalid receive pattern');
}

/** object:receive(pattern, prefix) */
export function* receive<B>(context: Context<B>, state: TcpState, args: Args): Op<ReceiveResult<B>> {
  const now = context.channel.now();
  state.timeout.markStart(now);
  const prefix = args.optBytes(2);
  const size = prefix?.length ?? 0;
  const out: Uint8Array[] = size > 0 ? [prefix as Uint8Array] : [];
  const what = wanted(args);
  const isThere = typeof what === 'number' && size > 0 && what <= size;
  let failure: Failure | null = null;
  if (!isThere) {
    // What all of them would wait for first: what resumes here need not pass through all of them.
    const waits = context.patience === 'waits' && state.timeout.patience(now) === Number.POSITIVE_INFINITY;
    const slot = waits ? emptySlot(context, state) : null;
    if (slot !== null) yield usocket.waitFor(slot, 'readable', Number.POSITIVE_INFINITY);
    if (what === 'line') failure = yield* receiveLine(context, state, out);
    else if (what === 'all') failure = yield* receiveAll(context, state, out);
    else failure = yield* receiveCount(context, state, what - size, out);
  }
  const data = decoded(context.strings, out);
  return failure === null ? [data, null, null] : [null, words(failure), data];
}

const NOTHING = new Uint8Array();

/**
 * What receive answers where nobody waits and nothing has come, which is most calls of a program that polls; null when it
 * has more to look at.
 */
export function idle<B>(context: Context<B>, state: TcpState, values: readonly unknown[]): ReceiveResult<B> | null {
  const [pattern, prefix] = values;
  if (context.patience !== 'never' || !isNil(prefix)) return null;
  if (!isNil(pattern) && pattern !== '*l' && pattern !== '*a' && !(typeof pattern === 'number' && pattern > 0))
    return null;
  if (emptySlot(context, state) === null) return null;
  return [null, words(usocket.IO_TIMEOUT), context.strings.decode(NOTHING)];
}

/** The slot of a connection of which nothing is here, neither in the buffer nor behind it; null: something is to be told. */
function emptySlot(context: Context, state: TcpState): Slot | null {
  const slot = state.buffer.isEmpty ? context.descriptors.get(state.descriptor) : undefined;
  if (slot === undefined || slot.socket.kind !== 'tcp' || !slot.socket.established || slot.readable) return null;
  return slot;
}

/** object:send(data, i, j) */
export function* send(context: Context, state: TcpState, args: Args): Op<SendResult> {
  state.timeout.markStart(context.channel.now());
  const data = args.borrowed(1);
  let start = toLong(args.optNumber(2, 1));
  let end = toLong(args.optNumber(3, -1));
  if (start < 0) start = data.length + start + 1;
  if (end < 0) end = data.length + end + 1;
  if (start < 1) start = 1;
  if (end > data.length) end = data.length;
  const range = start > end ? new Uint8Array() : data.subarray(start - 1, end);
  if (range.length === 0) return [start - 1, null, null];
  const first = usocket.sendAtOnce(context, state, range);
  if (first instanceof Failure) return [null, words(first), start - 1];
  let done = first ?? 0;
  state.sent += done;
  // Only what has to wait is copied, for the program may change its bytes meanwhile; large data is sent in many calls.
  const rest = range.subarray(done);
  const own = rest.length > 0 && data === args.at(1) ? rest.slice() : rest;
  const before = done;
  while (done < range.length) {
    const taken = yield* usocket.send(context, state, state.timeout, own, done - before, own.length);
    if (taken instanceof Failure) return [null, words(taken), done + start - 1];
    done += taken;
    state.sent += taken;
  }
  return [done + start - 1, null, null];
}

/** object:getstats() */
export function getStats(context: Context, state: TcpState): Stats {
  return [unsigned(state.received), unsigned(state.sent), context.channel.now() - state.birthday];
}

/** object:setstats(received, sent, age) */
export function setStats(context: Context, state: TcpState, args: Args): [1] {
  state.received = toLong(args.optNumber(1, unsigned(state.received)));
  state.sent = toLong(args.optNumber(2, unsigned(state.sent)));
  const age = isNil(args.at(3)) ? null : args.numeric(3);
  if (age !== null) state.birthday = context.channel.now() - age;
  return [1];
}

/** A counter below 0 is what a size_t makes of it. */
function unsigned(count: number): number {
  return count < 0 ? count + 2 ** 64 : count;
}
