/**
 * `System` on the C library, through koffi, which nobody else knows but datagram-batch.ts. It is an optional dependency (native code
 * that may not exist for a platform), so it is loaded when asked for, and its absence is an answer.
 */
import { createRequire } from 'node:module';
import { constants as osConstants } from 'node:os';
import type { Endpoint } from '@luasocket-web/shared/address';
import { type SocketConstants, socketConstants } from './constants.ts';
import { datagramBatch } from './datagram-batch.ts';
import { errnoOutcomes } from './errno.ts';
import { readSockaddr, SOCKADDR_BYTES, writeSockaddr, writeUnspecified } from './sockaddr.ts';
import type { System } from './system.ts';

type Koffi = typeof import('koffi');

const { EINVAL, ENOTSUP, EINTR } = osConstants.errno;
/** One classic BPF instruction, `ret #0`: keep no byte of any packet (linux/filter.h: BPF_RET | BPF_K). */
const DROP_ALL = { code: 0x06, jt: 0, jf: 0, k: 0 };
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const FD_CLOEXEC = 1;
const DARWIN_O_NONBLOCK = 4;

/** The C library of this machine, or null: no koffi, or a platform whose constants we do not know (Windows). */
export function loadSystem(): System | null {
  const constants = socketConstants(process.platform, process.arch);
  if (constants === null) return null;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi;
    const system = bindLibrary(koffi, constants);
    reserveDescriptors(system);
    return system;
  } catch {
    return null;
  }
}

/** As many as a session of 1024 sockets needs, twice over. */
const RESERVED = 4096;

/**
 * Has the kernel enlarge its table of this process' descriptors now. It doubles when it is full, and a process with several
 * threads waits for all processors then (synchronize_rcu in expand_fdtable, fs/file.c): 5 ms and more, for everybody. Where so
 * many are not allowed nothing happens.
 */
function reserveDescriptors(system: System): void {
  const fd = system.socket('datagram', 4);
  if (fd < 0) return;
  const last = system.duplicate(fd, RESERVED - 1);
  if (last >= 0) system.close(last);
  system.close(fd);
}

function bindLibrary(koffi: Koffi, c: SocketConstants): System {
  const library = koffi.load(null);
  const call = {
    socket: library.func('int socket(int, int, int)'),
    fcntl: library.func('int fcntl(int, int, ...)'),
    bind: library.func('int bind(int, const void *, uint32_t)'),
    connect: library.func('int connect(int, const void *, uint32_t)'),
    listen: library.func('int listen(int, int)'),
    getsockname: library.func('int getsockname(int, void *, void *)'),
    getpeername: library.func('int getpeername(int, void *, void *)'),
    setsockopt: library.func('int setsockopt(int, int, int, const void *, uint32_t)'),
    getsockopt: library.func('int getsockopt(int, int, int, void *, void *)'),
    sendto: library.func('int64_t sendto(int, const void *, size_t, int, const void *, uint32_t)'),
    recv: library.func('int64_t recv(int, void *, size_t, int)'),
    close: library.func('int close(int)'),
    strerror: library.func('const char *strerror(int)'),
    if_indextoname: library.func('const char *if_indextoname(unsigned int, void *)'),
    if_nametoindex: library.func('unsigned int if_nametoindex(const char *)'),
    inet_aton: library.func('int inet_aton(const char *, void *)'),
  };
  // Koffi looks at the types of a variadic call anew each time, which takes 20 us; Linux' ABIs pass these arguments alike,
  // Darwin's on ARM does not.
  const fcntl: (fd: number, command: number, argument: number) => number =
    c.SOCK_FLAGS === null
      ? (fd, command, argument) => call.fcntl(fd, command, 'int', argument)
      : library.func('fcntl', 'int', ['int', 'int', 'int']);
  const filterInstruction = koffi.struct({ code: 'uint16_t', jt: 'uint8_t', jf: 'uint8_t', k: 'uint32_t' });
  const filterProgram = koffi.struct({ len: 'uint16_t', filter: koffi.pointer(filterInstruction) });
  const attachFilter = library.func('setsockopt', 'int', [
    'int',
    'int',
    'int',
    koffi.pointer(filterProgram),
    'uint32_t',
  ]);

  // Scratch memory for arguments; every call is synchronous, so one of each is enough.
  const address = new Uint8Array(SOCKADDR_BYTES);
  const length = new Uint32Array(1);
  const integer = new Int32Array(1);

  const answer = (result: number): number => (result < 0 ? -koffi.errno() : Number(result));
  const toSockaddr = (endpoint: Endpoint): number => writeSockaddr(address, endpoint, c);
  const nameBy = (get: typeof call.getsockname, fd: number): Endpoint | number => {
    length[0] = SOCKADDR_BYTES;
    const result = answer(get(fd, address, length));
    return result < 0 ? result : (readSockaddr(address, c) ?? -EINVAL);
  };
  const setInt: System['setInt'] = (fd, level, option, value) => {
    integer[0] = value;
    return answer(call.setsockopt(fd, level, option, integer, 4));
  };

  return {
    constants: c,
    batch: datagramBatch(koffi, library, c),
    outcome: errnoOutcomes((errno) => call.strerror(errno)),
    socket(kind, family) {
      const type = kind === 'stream' ? c.SOCK_STREAM : c.SOCK_DGRAM;
      const domain = family === 4 ? c.AF_INET : c.AF_INET6;
      const fd = answer(call.socket(domain, type | (c.SOCK_FLAGS ?? 0), 0));
      if (fd < 0) return fd;
      if (c.SOCK_FLAGS === null) {
        call.fcntl(fd, F_SETFD, 'int', FD_CLOEXEC);
        call.fcntl(fd, F_SETFL, 'int', call.fcntl(fd, F_GETFL) | DARWIN_O_NONBLOCK);
      }
      if (family === 6) setInt(fd, c.IPPROTO_IPV6, c.IPV6_V6ONLY, 1);
      return fd;
    },
    bind: (fd, local) => answer(call.bind(fd, address, toSockaddr(local))),
    connect: (fd, peer) =>
      answer(call.connect(fd, address, peer === null ? writeUnspecified(address, c) : toSockaddr(peer))),
    listen: (fd, backlog) => answer(call.listen(fd, backlog)),
    localName: (fd) => nameBy(call.getsockname, fd),
    peerName: (fd) => nameBy(call.getpeername, fd),
    setInt,
    getInt(fd, level, option, out) {
      // IP_MULTICAST_LOOP and its like may answer one byte (BSD); the rest must be zero then.
      out[0] = 0;
      length[0] = 4;
      return answer(call.getsockopt(fd, level, option, out, length));
    },
    setBytes: (fd, level, option, value) => answer(call.setsockopt(fd, level, option, value, value.length)),
    getBytes(fd, level, option, out) {
      length[0] = out.length;
      const result = answer(call.getsockopt(fd, level, option, out, length));
      return result < 0 ? result : (length[0] ?? 0);
    },
    send(fd, payload, peer) {
      for (;;) {
        const size = peer === null ? 0 : toSockaddr(peer);
        const sent = answer(
          call.sendto(fd, payload, payload.length, c.MSG_DONTWAIT, peer === null ? null : address, size),
        );
        if (sent !== -EINTR) return sent;
      }
    },
    receive: (fd, into, peek) =>
      answer(call.recv(fd, into, into.length, peek ? c.MSG_PEEK | c.MSG_DONTWAIT : c.MSG_DONTWAIT)),
    duplicate: (fd, least = 0) => answer(fcntl(fd, c.F_DUPFD_CLOEXEC, least)),
    close: (fd) => answer(call.close(fd)),
    dropAll(fd, on) {
      if (c.SO_ATTACH_FILTER === null || c.SO_DETACH_FILTER === null) return -ENOTSUP;
      if (!on) return setInt(fd, c.SOL_SOCKET, c.SO_DETACH_FILTER, 0);
      const program = { len: 1, filter: [DROP_ALL] };
      return answer(attachFilter(fd, c.SOL_SOCKET, c.SO_ATTACH_FILTER, program, koffi.sizeof(filterProgram)));
    },
    interfaceName(index) {
      return call.if_indextoname(index, new Uint8Array(16));
    },
    interfaceIndex: (name) => call.if_nametoindex(name),
    ipv4(text) {
      const out = new Uint8Array(4);
      return call.inet_aton(text, out) === 0 ? null : out;
    },
  };
}
