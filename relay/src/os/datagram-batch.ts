/**
 * Many datagrams by one system call: recvmmsg(2), on Linux with 64 bits. For each datagram libuv asks for 64 KiB of memory and
 * calls into JavaScript, which takes 4 us; in bursts of 4 this way takes 3.4 us for each, of 16 1.5 us, of 64 1.1 us.
 *
 * The structures are laid by hand, for each call would take koffi longer to convert them than the call itself (msghdr in
 * bits/socket.h; musl's fields are narrower, with padding that is zero here):
 *
 *     mmsghdr   0 name   8 size of the name   16 iovec   24 count of iovecs   32 control   40 its size   48 flags   56 bytes come
 *     iovec     0 memory   8 size
 */
import { endianness, constants as osConstants } from 'node:os';
import { type Endpoint, EndpointCache } from '@luasocket-web/shared/address';
import type { SocketConstants } from './constants.ts';
import { readSockaddr, SOCKADDR_BYTES } from './sockaddr.ts';

type Koffi = typeof import('koffi');

/** Datagrams of one call, and bytes for each: no datagram is larger. What is never written to takes no memory. */
const COUNT = 32;
const SLOT = 65_536;
const HEADER = 64;
const VECTOR = 16;
const NAME = 32;
const VECTORS = COUNT * HEADER;
const NAMES = VECTORS + COUNT * VECTOR;
const SLOTS = NAMES + COUNT * NAME;
const SIZE = SLOTS + COUNT * SLOT;
/** Of an mmsghdr, in words of 32 bits. */
const NAME_SIZE_WORD = 2;
const COME_WORD = 14;

export interface DatagramBatch {
  /** Datagrams of one call at most. */
  readonly size: number;
  /**
   * Takes what `fd` has, `size` datagrams at most, and calls `taken` for each in order; `payload` is valid during that call only.
   * Answers how many there were, or a negative errno; none is -EAGAIN.
   */
  receive(fd: number, taken: (payload: Uint8Array, from: Endpoint) => void): number;
}

/** Null where the structures are others. */
export function datagramBatch(
  koffi: Koffi,
  library: ReturnType<Koffi['load']>,
  c: SocketConstants,
): DatagramBatch | null {
  const known = process.platform === 'linux' && (process.arch === 'x64' || process.arch === 'arm64');
  if (!known || endianness() !== 'LE') return null;
  const recvmmsg = library.func('int recvmmsg(int, void *, unsigned int, int, void *)');
  const endpoints = new EndpointCache();
  /** Laid out when it is used for the first time. */
  let memory: Uint8Array | null = null;

  return {
    size: COUNT,
    receive(fd, taken) {
      memory ??= laidOut(koffi);
      const words = new Uint32Array(memory.buffer, 0, VECTORS / 4);
      // The kernel has put the sizes there that the last names had.
      for (let i = 0; i < COUNT; i++) words[(i * HEADER) / 4 + NAME_SIZE_WORD] = SOCKADDR_BYTES;
      const count: number = recvmmsg(fd, memory, COUNT, c.MSG_DONTWAIT, null);
      if (count < 0) return -koffi.errno();
      for (let i = 0; i < count; i++) {
        const from = nameAt(memory.subarray(NAMES + i * NAME, NAMES + i * NAME + SOCKADDR_BYTES), c, endpoints);
        const at = SLOTS + i * SLOT;
        if (from) taken(memory.subarray(at, at + (words[(i * HEADER) / 4 + COME_WORD] ?? 0)), from);
      }
      return count === 0 ? -osConstants.errno.EAGAIN : count;
    },
  };
}

function laidOut(koffi: Koffi): Uint8Array {
  const block = koffi.alloc('uint8_t', SIZE);
  const base = koffi.address(block);
  const memory = koffi.view(block, SIZE);
  const view = new DataView(memory);
  new Uint8Array(memory, 0, SLOTS).fill(0);
  for (let i = 0; i < COUNT; i++) {
    const header = i * HEADER;
    const vector = VECTORS + i * VECTOR;
    view.setBigUint64(header, base + BigInt(NAMES + i * NAME), true);
    view.setBigUint64(header + 16, base + BigInt(vector), true);
    view.setBigUint64(header + 24, 1n, true);
    view.setBigUint64(vector, base + BigInt(SLOTS + i * SLOT), true);
    view.setBigUint64(vector + 8, BigInt(SLOT), true);
  }
  return new Uint8Array(memory);
}

/** The same few peers send again and again. */
function nameAt(name: Uint8Array, c: SocketConstants, endpoints: EndpointCache): Endpoint | null {
  if (name[0] !== c.AF_INET) return readSockaddr(name, c);
  // Port before address there, after it in an endpoint.
  const [, , high = 0, low = 0, a = 0, b = 0, d = 0, e = 0] = name;
  return endpoints.unpack(Uint8Array.of(a, b, d, e, high, low));
}
