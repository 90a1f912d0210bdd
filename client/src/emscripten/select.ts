/** select and poll over sockets of ours and what else a program has open, which its own runtime knows. */
import type { Heap } from './heap.ts';
import { FIRST_DESCRIPTOR, type OpenSocket, type Sockets } from './sockets.ts';

/** Descriptors that Emscripten's own select looks at. */
const THEIR_LIMIT = 64;
/** poll.h of musl. */
const POLLIN = 1;
const POLLOUT = 4;
const POLLERR = 8;
const POLLNVAL = 0x20;
const POLLRDNORM = 0x40;
const POLLWRNORM = 0x100;
const POLLFD_SIZE = 8;

type Select = (count: number, readable: number, writable: number, exceptional: number, timeout: number) => number;
type Poll = (at: number, count: number, timeout: number) => number;

/** `timeWords`: the size of time_t, which was one word in older releases. */
export function select(
  heap: Heap,
  sockets: Sockets,
  theirs: Select,
  count: number,
  sets: readonly [readable: number, writable: number, exceptional: number],
  timeout: number,
  timeWords: 1 | 2,
): number {
  const asked = sets.map((at) => descriptorsIn(heap, at, count));
  const [readers = [], writers = [], exceptional = []] = asked;
  const mine = (descriptor: number): boolean => descriptor >= FIRST_DESCRIPTOR;
  if (!asked.some((descriptors) => descriptors.some(mine))) return theirs(count, ...sets, timeout);
  const connecting = sockets.takeConnecting();
  if (connecting !== null && waits(heap, timeout, timeWords) && awaitsOnly(sockets, connecting, readers, writers)) {
    sockets.believe(connecting);
  }
  let ready = 0;
  if (asked.some((descriptors) => descriptors.some((descriptor) => !mine(descriptor)))) {
    ready += Math.max(0, theirs(Math.min(count, THEIR_LIMIT), ...sets, timeout));
    for (const [index, at] of sets.entries()) {
      for (const descriptor of asked[index] ?? []) if (mine(descriptor)) mark(heap, at, descriptor, false);
    }
  } else {
    for (const [index, at] of sets.entries()) {
      for (const descriptor of asked[index] ?? []) mark(heap, at, descriptor, false);
    }
  }
  const tell = (at: number, descriptors: readonly number[], is: (open: OpenSocket) => boolean): void => {
    for (const descriptor of descriptors) {
      const open = sockets.get(descriptor);
      if (open === undefined || !is(open)) continue;
      mark(heap, at, descriptor, true);
      ready += 1;
    }
  };
  tell(sets[0], readers, (open) => open.readable);
  tell(sets[1], writers, (open) => open.writable);
  tell(sets[2], exceptional, () => false);
  return ready;
}

export function poll(heap: Heap, sockets: Sockets, theirs: Poll, at: number, count: number, timeout: number): number {
  const connecting = sockets.takeConnecting();
  const only = count === 1 ? sockets.get(heap.int(at)) : undefined;
  if (only !== undefined && only === connecting && timeout !== 0 && (heap.short(at + 4) & POLLOUT) !== 0) {
    sockets.believe(only);
  }
  let ready = 0;
  for (let index = 0; index < count; index++) {
    const entry = at + POLLFD_SIZE * index;
    const descriptor = heap.int(entry);
    if (descriptor < FIRST_DESCRIPTOR) {
      if (descriptor >= 0) ready += Math.max(0, theirs(entry, 1, 0));
      else heap.setShort(entry + 6, 0);
      continue;
    }
    const found = eventsOf(sockets.get(descriptor)) & (heap.short(entry + 4) | POLLERR | POLLNVAL);
    heap.setShort(entry + 6, found);
    if (found !== 0) ready += 1;
  }
  return ready;
}

function eventsOf(open: OpenSocket | undefined): number {
  if (open === undefined) return POLLNVAL;
  return (open.readable ? POLLIN | POLLRDNORM : 0) | (open.writable ? POLLOUT | POLLWRNORM : 0);
}

/** Whether a struct timeval (seconds, microseconds), or its absence, asks to wait. */
function waits(heap: Heap, timeout: number, timeWords: 1 | 2): boolean {
  if (timeout === 0 || heap.int(timeout) !== 0 || heap.int(timeout + 4) !== 0) return true;
  return timeWords === 2 && heap.int(timeout + 8) !== 0;
}

/** As LuaSocket waits for a connection: it alone, in both directions. A loop that looks at its sockets asks otherwise. */
function awaitsOnly(
  sockets: Sockets,
  connecting: OpenSocket,
  readers: readonly number[],
  writers: readonly number[],
): boolean {
  const [writer] = writers;
  if (writer === undefined || writers.length > 1 || readers.length > 1) return false;
  return readers[0] === writer && sockets.get(writer) === connecting;
}

function descriptorsIn(heap: Heap, at: number, count: number): number[] {
  const found: number[] = [];
  if (at === 0) return found;
  for (let first = 0; first < count; first += 32) {
    const word = heap.int(at + first / 8);
    if (word === 0) continue;
    for (let bit = 0; bit < 32 && first + bit < count; bit++) if ((word >>> bit) & 1) found.push(first + bit);
  }
  return found;
}

function mark(heap: Heap, at: number, descriptor: number, on: boolean): void {
  const word = at + 4 * (descriptor >>> 5);
  const bit = 1 << (descriptor & 31);
  heap.setInt(word, on ? heap.int(word) | bit : heap.int(word) & ~bit);
}
