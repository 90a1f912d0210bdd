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

/** One of the two sets: what was listed, in order, and the descriptor of each. */
interface Watched {
  readonly listed: readonly unknown[];
  readonly descriptors: readonly number[];
}

export function* select(context: Context, values: readonly unknown[]): Op<SelectResult<unknown, unknown>> {
  const args = new Args('select', values, context.strings);
  const seconds = args.optNumber(3, -1);
  // Which object a descriptor stands for: the last one listed, for both sets.
  const objects: unknown[] = [];
  const reading = collect(args, 1, objects);
  const writing = collect(args, 2, objects);
  const { dirty, rest } = separate(reading);

  const ready = yield* watch(context, rest, writing.descriptors, dirty.length > 0 ? 0 : seconds);
  if (ready === null && dirty.length === 0) throw new RangeError('select failed');
  // A failed select(2) leaves the sets as they were, so that all of them count.
  const [r, w] = ready ?? [rest, writing.descriptors];
  if (dirty.length + r.length + w.length === 0) return [listOf([]), listOf([]), 'timeout'];
  return [listOf([...dirty, ...ascending(r, objects)]), listOf(ascending(w, objects))];
}

/** The objects of descriptors, in their order and each once. */
function ascending(descriptors: readonly number[], objects: readonly unknown[]): unknown[] {
  return [...new Set(descriptors)].sort((a, b) => a - b).map((descriptor) => objects[descriptor]);
}

/** collect_fd: the array part of a table argument up to its first nil, without what is no socket. */
function collect(args: Args, n: number, objects: unknown[]): Watched {
  const listed: unknown[] = [];
  const descriptors: number[] = [];
  if (!isNil(args.at(n))) {
    const field = fieldsOf(args, n);
    for (let i = 1; ; i++) {
      const object = field(i);
      if (isNil(object)) break;
      const descriptor = descriptorOf(object);
      if (descriptor === INVALID) continue;
      if (descriptor >= SETSIZE) args.fail(n, 'descriptor too large for set size');
      listed.push(object);
      descriptors.push(descriptor);
      objects[descriptor] = object;
    }
  }
  return { listed, descriptors };
}

/** Reads a table argument by Lua's indices; those of a JavaScript array are one less. */
function fieldsOf(args: Args, n: number): (index: number) => unknown {
  const value = args.at(n);
  if (Array.isArray(value)) return (index) => value[index - 1];
  const field = args.table(n);
  return (index) => field(String(index));
}

/** What holds data outside its descriptor, and the descriptors that are left to look at. */
function separate({ listed, descriptors }: Watched): { dirty: readonly unknown[]; rest: readonly number[] } {
  const dirty: unknown[] = [];
  const without = new Set<number>();
  listed.forEach((object, index) => {
    if (!isDirty(object)) return;
    dirty.push(object);
    without.add(descriptors[index] as number);
  });
  if (without.size === 0) return { dirty, rest: descriptors };
  return { dirty, rest: descriptors.filter((descriptor) => !without.has(descriptor)) };
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
function* watch(
  context: Context,
  reading: readonly number[],
  writing: readonly number[],
  seconds: number,
): Op<Ready | null> {
  const readers = slotsOf(context, reading);
  const writers = slotsOf(context, writing);
  if (readers === null || writers === null) return null;
  const look = (): Ready => [
    reading.filter((_, index) => isReadable(readers[index] as Slot)),
    writing.filter((_, index) => isWritable(writers[index] as Slot)),
  ];
  if (context.patience === 'never') return look();

  const limit = limitOf(seconds);
  // timeval's tv_sec is an int: select(2) refuses what does not fit.
  if (limit === null) return null;
  const some = () => readers.some(isReadable) || writers.some(isWritable);
  const sources = [...readers, ...writers].flatMap((slot) => [slot.socket, slot]);
  if (!some() && limit > 0) yield { sources, ready: some, deadline: context.channel.now() + limit };
  // That there is room to write says nothing of what there is to read, which a kernel would know.
  const telling = readers.length > 0 ? () => readers.some(isReadable) : some;
  if (!telling() && sources.length > 0) yield* fence(context, sources, telling);
  // One that is ready says nothing of the others. What other programs do may as well come a moment later, but what this
  // one did a kernel would show on all of them.
  const all = () => readers.every(isReadable);
  if (telling() && context.channel.unfenced && !all()) yield* fence(context, sources, all);
  return look();
}

function slotsOf(context: Context, descriptors: readonly number[]): readonly Slot[] | null {
  const slots: Slot[] = [];
  for (const descriptor of descriptors) {
    const slot = context.descriptors.get(descriptor);
    if (slot === undefined) return null;
    slots.push(slot);
  }
  return slots;
}

/** A socket that is closed meanwhile has an end to be read. */
function isReadable(slot: Slot): boolean {
  return slot.closed || slot.readable;
}

function isWritable(slot: Slot): boolean {
  return !slot.closed && slot.writable;
}

/** socket_select's limit in seconds, cut to microseconds; none when negative; null when it fits no timeval. */
function limitOf(seconds: number): number | null {
  if (seconds < 0) return Number.POSITIVE_INFINITY;
  if (Number.isNaN(seconds)) return 0;
  return seconds >= 0x8000_0000 ? null : Math.trunc(seconds * 1e6) / 1e6;
}

/** make_assoc: the list, doubly keyed. */
function listOf(objects: readonly unknown[]): SocketList<unknown> {
  let places: Map<unknown, number> | null = null;
  const get = (socket: unknown) => {
    places ??= new Map(objects.map((object, index) => [object, index + 1]));
    return places.get(socket);
  };
  return Object.defineProperty([...objects], 'get', { value: get }) as unknown as SocketList<unknown>;
}
