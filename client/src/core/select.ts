/**
 * socket.select: select.c. It works on anything that has getfd and dirty, as LuaSocket's does, and answers by descriptor:
 * what is dirty comes first in the order of the list, the rest in that of the descriptors.
 */
import { Args } from './args.ts';
import { type Context, fence } from './context.ts';
import { INVALID, SETSIZE, type Slot } from './descriptors.ts';
import { isNil, parseNumber, toInt, typeName } from './lua.ts';
import type { Op } from './op.ts';
import type { SelectResult, SocketList } from './results.ts';

/** One of the two sets: what was listed, in order, and the descriptors to watch. */
interface Watched {
  readonly listed: readonly { readonly object: unknown; readonly descriptor: number }[];
  readonly descriptors: Set<number>;
}

export function* select(context: Context, values: readonly unknown[]): Op<SelectResult<unknown, unknown>> {
  const args = new Args('select', values, context.strings);
  const seconds = args.optNumber(3, -1);
  // Which object a descriptor stands for: the last one listed, for both sets.
  const objects = new Map<number, unknown>();
  const reading = collect(args, 1, objects);
  const writing = collect(args, 2, objects);
  const readable = reading.listed.filter(({ object }) => isDirty(object));
  for (const { descriptor } of readable) reading.descriptors.delete(descriptor);
  const dirty = readable.map(({ object }) => object);

  const ready = yield* watch(context, reading.descriptors, writing.descriptors, dirty.length > 0 ? 0 : seconds);
  if (ready === null && dirty.length === 0) throw new RangeError('select failed');
  // A failed select(2) leaves the sets as they were, so that all of them count.
  const [r, w] = ready ?? [[...reading.descriptors], [...writing.descriptors]];
  if (dirty.length + r.length + w.length === 0) return [listOf([]), listOf([]), 'timeout'];
  const ascending = (set: readonly number[]) => [...set].sort((a, b) => a - b).map((fd) => objects.get(fd));
  return [listOf([...dirty, ...ascending(r)]), listOf(ascending(w))];
}

/** collect_fd: the array part of a table argument up to its first nil, without what is no socket. */
function collect(args: Args, n: number, objects: Map<number, unknown>): Watched {
  const listed: { object: unknown; descriptor: number }[] = [];
  const descriptors = new Set<number>();
  if (!isNil(args.at(n))) {
    const field = args.table(n);
    const isArray = Array.isArray(args.at(n));
    for (let i = 1; ; i++) {
      const object = field(String(isArray ? i - 1 : i));
      if (isNil(object)) break;
      const descriptor = descriptorOf(object);
      if (descriptor === INVALID) continue;
      if (descriptor >= SETSIZE) args.fail(n, 'descriptor too large for set size');
      listed.push({ object, descriptor });
      descriptors.add(descriptor);
      objects.set(descriptor, object);
    }
  }
  return { listed, descriptors };
}

/** getfd: what the object says of itself; INVALID for what is no socket. */
function descriptorOf(object: unknown): number {
  const answer = call(object, 'getfd');
  const number = typeof answer === 'string' ? parseNumber(answer) : answer;
  return typeof number === 'number' && number >= 0 ? toInt(number) : INVALID;
}

function isDirty(object: unknown): boolean {
  const answer = call(object, 'dirty');
  return !isNil(answer) && answer !== false;
}

/** object:method() where the object has the method; indexing what cannot be indexed raises, as in Lua. */
function call(object: unknown, method: 'getfd' | 'dirty'): unknown {
  const type = typeName(object);
  if (type === 'string') return null;
  if (type === 'number' || type === 'boolean' || type === 'function') {
    throw new TypeError(`attempt to index a ${type} value`);
  }
  const found = (object as { readonly [name: string]: unknown })[method];
  if (isNil(found)) return null;
  if (typeof found !== 'function') throw new TypeError(`attempt to call a ${typeName(found)} value`);
  return found.call(object);
}

type Ready = readonly [readable: readonly number[], writable: readonly number[]];

/** select(2) with a limit in seconds: the descriptors that are ready; null when one stands for nothing (EBADF). */
function* watch(context: Context, reading: Set<number>, writing: Set<number>, seconds: number): Op<Ready | null> {
  const slots = new Map<number, Slot>();
  for (const descriptor of [...reading, ...writing]) {
    const slot = context.descriptors.get(descriptor);
    if (slot === undefined) return null;
    slots.set(descriptor, slot);
  }
  // A socket that is closed meanwhile has an end to be read.
  const isReadable = (fd: number) => slots.get(fd)?.closed || slots.get(fd)?.readable;
  const isWritable = (fd: number) => !slots.get(fd)?.closed && slots.get(fd)?.writable;
  const look = (): Ready => [[...reading].filter(isReadable), [...writing].filter(isWritable)];
  const some = () => [...reading].some(isReadable) || [...writing].some(isWritable);
  const sources = [...slots.values()].flatMap((slot) => [slot.socket, slot]);

  const limit = context.patience === 'never' ? 0 : limitOf(seconds);
  // timeval's tv_sec is an int: select(2) refuses what does not fit.
  if (limit === null) return null;
  if (!some() && limit > 0) yield { sources, ready: some, deadline: context.channel.now() + limit };
  // That there is room to write says nothing of what there is to read, which a kernel would know.
  const telling = reading.size > 0 ? () => [...reading].some(isReadable) : some;
  if (!telling() && slots.size > 0) yield* fence(context, sources, telling);
  return look();
}

/** socket_select's limit in seconds, cut to microseconds; none when negative; null when it fits no timeval. */
function limitOf(seconds: number): number | null {
  if (seconds < 0) return Number.POSITIVE_INFINITY;
  if (Number.isNaN(seconds)) return 0;
  return seconds >= 0x8000_0000 ? null : Math.trunc(seconds * 1e6) / 1e6;
}

/** make_assoc: the list, doubly keyed. */
function listOf(objects: readonly unknown[]): SocketList<unknown> {
  const places = new Map(objects.map((object, index) => [object, index + 1]));
  const get = (socket: unknown) => places.get(socket);
  return Object.defineProperty([...objects], 'get', { value: get }) as unknown as SocketList<unknown>;
}
