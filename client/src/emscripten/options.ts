/** Socket options: level, number and bytes of C, as names and values of LuaSocket, which is what a relay knows. */
import type { OptionValue } from '@luasocket-web/shared/frames';
import { Failure } from '../core/channel.ts';
import { errnoOf, negative } from './errno.ts';
import { type Heap, sockaddr } from './heap.ts';
import type { OpenSocket, Sockets } from './sockets.ts';

const SOL_SOCKET = 1;
const IPPROTO_IP = 0;
const IPPROTO_TCP = 6;
const IPPROTO_IPV6 = 41;
const SO_TYPE = 3;
const SO_ERROR = 4;
const SO_ACCEPTCONN = 30;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;

/** How a value lies in memory. */
type Form = 'boolean' | 'integer' | 'linger' | 'address' | 'membership' | 'membership6';

interface Option {
  readonly name: string;
  readonly form: Form;
}

/** sys/socket.h, netinet/in.h and netinet/tcp.h of musl: what there is a name for. */
const NAMED: { readonly [key: string]: Option } = {
  [key(SOL_SOCKET, 2)]: { name: 'reuseaddr', form: 'boolean' },
  [key(SOL_SOCKET, 5)]: { name: 'dontroute', form: 'boolean' },
  [key(SOL_SOCKET, 6)]: { name: 'broadcast', form: 'boolean' },
  [key(SOL_SOCKET, 9)]: { name: 'keepalive', form: 'boolean' },
  [key(SOL_SOCKET, 13)]: { name: 'linger', form: 'linger' },
  [key(SOL_SOCKET, 15)]: { name: 'reuseport', form: 'boolean' },
  [key(IPPROTO_TCP, 1)]: { name: 'tcp-nodelay', form: 'boolean' },
  [key(IPPROTO_IP, 32)]: { name: 'ip-multicast-if', form: 'address' },
  [key(IPPROTO_IP, 33)]: { name: 'ip-multicast-ttl', form: 'integer' },
  [key(IPPROTO_IP, 34)]: { name: 'ip-multicast-loop', form: 'boolean' },
  [key(IPPROTO_IP, 35)]: { name: 'ip-add-membership', form: 'membership' },
  [key(IPPROTO_IP, 36)]: { name: 'ip-drop-membership', form: 'membership' },
  [key(IPPROTO_IPV6, 16)]: { name: 'ipv6-unicast-hops', form: 'integer' },
  [key(IPPROTO_IPV6, 18)]: { name: 'ipv6-multicast-hops', form: 'integer' },
  [key(IPPROTO_IPV6, 19)]: { name: 'ipv6-multicast-loop', form: 'boolean' },
  [key(IPPROTO_IPV6, 20)]: { name: 'ipv6-add-membership', form: 'membership6' },
  [key(IPPROTO_IPV6, 21)]: { name: 'ipv6-drop-membership', form: 'membership6' },
  [key(IPPROTO_IPV6, 26)]: { name: 'ipv6-v6only', form: 'boolean' },
};

/** Sizes of buffers and time limits of calls: hints to a kernel, and calls have no time limits here. */
const HINTS: ReadonlySet<string> = new Set([7, 8, 20, 21, 66, 67].map((name) => key(SOL_SOCKET, name)));

/** Options that a kernel takes on a socket of another kind too, where they change nothing. */
const HARMLESS: { readonly [kind in 'tcp' | 'udp']: ReadonlySet<string> } = {
  tcp: new Set(['broadcast', 'dontroute', 'reuseport']),
  udp: new Set(['keepalive', 'linger']),
};

function key(level: number, name: number): string {
  return `${level} ${name}`;
}

export function setOption(
  heap: Heap,
  open: OpenSocket,
  level: number,
  number: number,
  at: number,
  size: number,
): number {
  const which = key(level, number);
  if (HINTS.has(which)) return 0;
  const option = NAMED[which];
  if (option === undefined) return negative('ENOPROTOOPT');
  const { slot } = open;
  if (HARMLESS[slot.socket.kind].has(option.name)) return 0;
  const value = read(heap, option.form, at, size);
  if (value === undefined) return negative('EINVAL');
  const pending = slot.socket.setOption(option.name, value);
  slot.options.set(option.name, value, pending);
  if (pending.settled) return pending.result instanceof Failure ? -errnoOf(pending.result) : 0;
  slot.assumptions.add(pending);
  return 0;
}

export function getOption(
  heap: Heap,
  sockets: Sockets,
  open: OpenSocket,
  level: number,
  number: number,
  at: number,
  sizeAt: number,
): number {
  const { slot } = open;
  const { socket } = slot;
  if (level === SOL_SOCKET) {
    if (number === SO_ERROR) return writeInts(heap, at, sizeAt, sockets.takeError(open));
    if (number === SO_TYPE) return writeInts(heap, at, sizeAt, socket.kind === 'tcp' ? SOCK_STREAM : SOCK_DGRAM);
    if (number === SO_ACCEPTCONN) return writeInts(heap, at, sizeAt, open.listening ? 1 : 0);
  }
  const option = NAMED[key(level, number)];
  if (option === undefined || HARMLESS[socket.kind].has(option.name)) return negative('ENOPROTOOPT');
  const value = slot.options.get(option.name, () => socket.getOption(option.name));
  if (value instanceof Failure) return -errnoOf(value);
  switch (option.form) {
    case 'linger':
      return writeInts(heap, at, sizeAt, Number(field(value, 'on')), Number(field(value, 'timeout')));
    case 'address':
      heap.write(at, octets(typeof value === 'string' ? value : '0.0.0.0'));
      heap.setInt(sizeAt, 4);
      return 0;
    case 'membership':
    case 'membership6':
      return negative('ENOPROTOOPT');
    default:
      return writeInts(heap, at, sizeAt, Number(value));
  }
}

/** The value at an address; undefined when there is not enough of it. */
function read(heap: Heap, form: Form, at: number, size: number): OptionValue | undefined {
  switch (form) {
    case 'boolean':
    case 'integer': {
      // The IPv4 options come as a byte too.
      if (size < 1) return undefined;
      const number = size < 4 ? heap.byte(at) : heap.int(at);
      return form === 'boolean' ? number !== 0 : number;
    }
    case 'linger':
      return size < 8 ? undefined : { on: heap.int(at) !== 0, timeout: heap.int(at + 4) & 0xffff };
    case 'address':
      return size < 4 ? undefined : dotted(heap, at);
    case 'membership':
      return size < 8 ? undefined : { multiaddr: dotted(heap, at), interface: dotted(heap, at + 4) };
    case 'membership6': {
      if (size < 20) return undefined;
      const group = heap.address6(at);
      return { multiaddr: group, interface: heap.int(at + 16) };
    }
  }
}

function dotted(heap: Heap, at: number): string {
  return heap.read(at, 4).join('.');
}

function octets(address: string): Uint8Array {
  return sockaddr({ family: 4, address, port: 0 }).subarray(4, 8);
}

function field(value: OptionValue, name: string): unknown {
  return value !== null && typeof value === 'object' && !(value instanceof Uint8Array) ? value[name] : null;
}

function writeInts(heap: Heap, at: number, sizeAt: number, ...values: readonly number[]): number {
  heap.setInts(at, values);
  heap.setInt(sizeAt, 4 * values.length);
  return 0;
}
