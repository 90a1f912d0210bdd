/**
 * The system calls of an Emscripten program that are about sockets, by the names under which its module imports them. Each
 * serves the descriptors of ours and hands all others to the program's own runtime.
 */
import type { Endpoint } from '../core/channel.ts';
import { negative } from './errno.ts';
import { AF_INET, AF_INET6, type Heap, ODD_FAMILY, ODD_SIZE } from './heap.ts';
import type { Names } from './names.ts';
import { getOption, setOption } from './options.ts';
import type { Program } from './program.ts';
import { Resolver } from './resolver.ts';
import { poll, select } from './select.ts';
import { FIRST_DESCRIPTOR, type OpenSocket, type Received, type Sockets } from './sockets.ts';

/** A function of C: words in, a word out. */
export type Native = (...args: number[]) => number;
/** Makes an import out of the one that the program's runtime has. */
type Wrap = (theirs: Native) => Native;

/** sys/socket.h of musl. SOCK_NONBLOCK and SOCK_CLOEXEC are the bits above the type. */
const TYPE_MASK = 0xf;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0x800;
const AF_UNSPEC = 0;
const MSG_PEEK = 2;
/** fcntl.h, sys/ioctl.h */
const F_DUPFD = 0;
const F_GETFL = 3;
const F_SETFL = 4;
const O_RDWR = 2;
const O_NONBLOCK = 0x800;
const FIONREAD = 0x541b;
const FIONBIO = 0x5421;
const HOW = ['receive', 'send', 'both'] as const;

/** Numbers of socketcall(2), linux/net.h, with the names of the calls that were made one by one later. */
const SOCKETCALLS: { readonly [number: number]: string } = {
  1: 'socket',
  2: 'bind',
  3: 'connect',
  4: 'listen',
  5: 'accept4',
  6: 'getsockname',
  7: 'getpeername',
  9: 'send',
  10: 'recv',
  11: 'sendto',
  12: 'recvfrom',
  13: 'shutdown',
  14: 'setsockopt',
  15: 'getsockopt',
  16: 'sendmsg',
  17: 'recvmsg',
  18: 'accept4',
};
/** The most arguments that one of them has. */
const MAX_ARGUMENTS = 6;

export class SystemCalls {
  readonly #program: Program;
  readonly #sockets: Sockets;
  readonly #names: Names;
  readonly #resolver: Resolver;

  constructor(program: Program, sockets: Sockets, names: Names) {
    this.#program = program;
    this.#sockets = sockets;
    this.#names = names;
    this.#resolver = new Resolver(program, names);
  }

  /** By name of the import; those of older releases begin with `__sys_`, those of newer ones with `__syscall_`. */
  get imports(): ReadonlyMap<string, Wrap> {
    const imports = new Map<string, Wrap>();
    for (const [prefix, timeWords] of [
      ['__sys_', 1],
      ['__syscall_', 2],
    ] as const) {
      imports.set(`${prefix}socketcall`, (theirs) => (call, args) => this.#socketcall(theirs, call ?? 0, args ?? 0));
      for (const [name, call] of Object.entries(this.#calls)) {
        imports.set(`${prefix}${name}`, (theirs) => (...args) => {
          this.#sockets.takeConnecting();
          const [descriptor = 0] = args;
          return name === 'socket' || descriptor >= FIRST_DESCRIPTOR ? call(args) : theirs(...args);
        });
      }
      imports.set(`${prefix}_newselect`, (theirs) => (count = 0, r = 0, w = 0, x = 0, timeout = 0) => {
        return select(this.#heap, this.#sockets, theirs, count, [r, w, x], timeout, timeWords);
      });
      imports.set(`${prefix}poll`, (theirs) => (at = 0, count = 0, timeout = 0) => {
        return poll(this.#heap, this.#sockets, theirs, at, count, timeout);
      });
      imports.set(
        `${prefix}fcntl64`,
        this.#ours((open, _, command, args) => this.#fcntl(open, command, args)),
      );
      imports.set(
        `${prefix}ioctl`,
        this.#ours((open, _, request, args) => this.#ioctl(open, request, args)),
      );
      imports.set(
        `${prefix}read`,
        this.#ours((open, _, at, size) => this.#receive(open, [[at, size]], 0, 0, 0)),
      );
      imports.set(
        `${prefix}write`,
        this.#ours((open, _, at, size) => this.#send(open, this.#heap.read(at, size), 0, 0)),
      );
      imports.set(
        `${prefix}close`,
        this.#ours((_, descriptor) => this.#sockets.close(descriptor)),
      );
    }
    imports.set(
      'fd_close',
      this.#ours((_, descriptor) => 0 - this.#sockets.close(descriptor)),
    );
    imports.set(
      'fd_read',
      this.#ours((open, _, at, count, out) => {
        return this.#counted(this.#receive(open, this.#vectors(at, count), 0, 0, 0), out);
      }),
    );
    imports.set(
      'fd_write',
      this.#ours((open, _, at, count, out) => {
        return this.#counted(this.#send(open, this.#gathered(at, count), 0, 0), out);
      }),
    );
    const resolver = this.#resolver;
    imports.set(
      'getaddrinfo',
      () =>
        (node = 0, service = 0, hints = 0, out = 0) =>
          resolver.getaddrinfo(node, service, hints, out),
    );
    imports.set(
      'getnameinfo',
      () =>
        (at = 0, size = 0, host = 0, hostSize = 0, service = 0, serviceSize = 0, flags = 0) =>
          resolver.getnameinfo(at, size, host, hostSize, service, serviceSize, flags),
    );
    imports.set(
      'gethostbyname',
      () =>
        (name = 0) =>
          resolver.gethostbyname(name),
    );
    imports.set(
      'gethostbyaddr',
      () =>
        (address = 0, size = 0, type = 0) =>
          resolver.gethostbyaddr(address, size, type),
    );
    return imports;
  }

  get #heap(): Heap {
    return this.#program.heap;
  }

  /** An import that serves an open socket of ours, or hands the call on. */
  #ours(call: (open: OpenSocket, ...args: [number, number, number, number]) => number): Wrap {
    return (theirs) =>
      (...args) => {
        const [descriptor = 0, a = 0, b = 0, c = 0] = args;
        const open = this.#sockets.get(descriptor);
        return open === undefined ? theirs(...args) : call(open, descriptor, a, b, c);
      };
  }

  #socketcall(theirs: Native, number: number, at: number): number {
    this.#sockets.takeConnecting();
    const name = SOCKETCALLS[number];
    const call = name === undefined ? undefined : this.#calls[name];
    if (call === undefined) return theirs(number, at);
    const args = Array.from({ length: MAX_ARGUMENTS }, (_, index) => this.#heap.int(at + 4 * index));
    const [descriptor = 0] = args;
    return name === 'socket' || descriptor >= FIRST_DESCRIPTOR ? call(args) : theirs(number, at);
  }

  /** The calls on sockets, by name. Their first argument is the descriptor, but for socket's. */
  readonly #calls: { readonly [name: string]: (args: readonly number[]) => number } = {
    socket: ([domain = 0, type = 0]) => {
      if (domain !== AF_INET && domain !== AF_INET6) return negative('EAFNOSUPPORT');
      const kind = type & TYPE_MASK;
      if (kind !== SOCK_STREAM && kind !== SOCK_DGRAM) return negative('EPROTONOSUPPORT');
      const descriptor = this.#sockets.socket(kind === SOCK_STREAM ? 'tcp' : 'udp', domain === AF_INET ? 4 : 6);
      const open = this.#sockets.get(descriptor);
      if (open !== undefined) open.nonblocking = (type & SOCK_NONBLOCK) !== 0;
      return descriptor;
    },
    bind: this.#on((open, at, size) => this.#to(at, size, (endpoint) => this.#sockets.bind(open, endpoint))),
    connect: this.#on((open, at, size) => {
      if (size >= 2 && this.#heap.short(at) === AF_UNSPEC) return this.#sockets.connect(open, null);
      const { kind } = open.socket;
      return this.#to(at, size, (endpoint) => this.#sockets.connect(open, this.#names.where(endpoint, kind)));
    }),
    listen: this.#on((open, backlog) => this.#sockets.listen(open, backlog)),
    accept4: this.#on((open, at, sizeAt) => this.#accept(open, at, sizeAt)),
    getsockname: this.#on((open, at, sizeAt) => this.#named(this.#sockets.localName(open), at, sizeAt)),
    getpeername: this.#on((open, at, sizeAt) => this.#named(this.#sockets.peerName(open), at, sizeAt)),
    send: this.#on((open, at, size) => this.#send(open, this.#heap.read(at, size), 0, 0)),
    recv: this.#on((open, at, size, flags) => this.#receive(open, [[at, size]], flags, 0, 0)),
    sendto: this.#on((open, at, size, _, peerAt, peerSize) => {
      return this.#send(open, this.#heap.read(at, size), peerAt, peerSize);
    }),
    recvfrom: this.#on((open, at, size, flags, peerAt, peerSizeAt) => {
      return this.#receive(open, [[at, size]], flags, peerAt, peerSizeAt);
    }),
    shutdown: this.#on((open, how) => {
      const word = HOW[how];
      return word === undefined ? negative('EINVAL') : this.#sockets.shutdown(open, word);
    }),
    setsockopt: this.#on((open, level, name, at, size) => setOption(this.#heap, open, level, name, at, size)),
    getsockopt: this.#on((open, level, name, at, sizeAt) => {
      return getOption(this.#heap, this.#sockets, open, level, name, at, sizeAt);
    }),
    sendmsg: this.#on((open, message) => this.#sendmsg(open, message)),
    recvmsg: this.#on((open, message, flags) => this.#recvmsg(open, message, flags)),
  };

  #on(
    call: (open: OpenSocket, ...args: [number, number, number, number, number]) => number,
  ): (args: readonly number[]) => number {
    return ([descriptor = 0, a = 0, b = 0, c = 0, d = 0, e = 0]) => {
      const open = this.#sockets.get(descriptor);
      return open === undefined ? negative('EBADF') : call(open, a, b, c, d, e);
    };
  }

  /** Does something with the address at a place, if there is one. */
  #to(at: number, size: number, act: (endpoint: Endpoint) => number): number {
    const endpoint = this.#heap.endpoint(at, size);
    if (endpoint === ODD_SIZE) return negative('EINVAL');
    return endpoint === ODD_FAMILY ? negative('EAFNOSUPPORT') : act(endpoint);
  }

  #accept(open: OpenSocket, at: number, sizeAt: number): number {
    const descriptor = this.#sockets.accept(open);
    const accepted = this.#sockets.get(descriptor);
    if (accepted === undefined) return descriptor;
    const peer = this.#sockets.peerName(accepted);
    if (typeof peer !== 'number') this.#heap.setEndpoint(at, sizeAt, peer);
    return descriptor;
  }

  #named(name: Endpoint | number, at: number, sizeAt: number): number {
    if (typeof name === 'number') return name;
    this.#heap.setEndpoint(at, sizeAt, name);
    return 0;
  }

  #send(open: OpenSocket, bytes: Uint8Array, peerAt: number, peerSize: number): number {
    // A stream has its peer already.
    if (peerAt === 0 || open.socket.kind === 'tcp') return this.#sockets.send(open, bytes, null);
    return this.#to(peerAt, peerSize, (peer) => this.#sockets.send(open, bytes, this.#names.where(peer, 'udp')));
  }

  #receive(
    open: OpenSocket,
    vectors: readonly (readonly [at: number, size: number])[],
    flags: number,
    peerAt: number,
    peerSizeAt: number,
  ): number {
    const room = vectors.reduce((sum, [, size]) => sum + size, 0);
    const got = this.#sockets.receive(open, room, (flags & MSG_PEEK) !== 0);
    if (typeof got === 'number') return got;
    this.#scatter(got, vectors);
    if (got.peer !== null) this.#heap.setEndpoint(peerAt, peerSizeAt, got.peer);
    return got.bytes.length;
  }

  #scatter({ bytes }: Received, vectors: readonly (readonly [at: number, size: number])[]): void {
    let from = 0;
    for (const [at, size] of vectors) {
      if (from >= bytes.length) return;
      this.#heap.write(at, bytes.subarray(from, from + size));
      from += size;
    }
  }

  /** struct msghdr: name, its size, vectors, their count, control, its size, flags. */
  #sendmsg(open: OpenSocket, message: number): number {
    const heap = this.#heap;
    const bytes = this.#gathered(heap.word(message + 8), heap.int(message + 12));
    return this.#send(open, bytes, heap.word(message), heap.word(message + 4));
  }

  #recvmsg(open: OpenSocket, message: number, flags: number): number {
    const heap = this.#heap;
    const vectors = this.#vectors(heap.word(message + 8), heap.int(message + 12));
    heap.setInt(message + 20, 0);
    heap.setInt(message + 24, 0);
    return this.#receive(open, vectors, flags, heap.word(message), message + 4);
  }

  /** struct iovec, one after the other. */
  #vectors(at: number, count: number): (readonly [at: number, size: number])[] {
    const heap = this.#heap;
    return Array.from({ length: count }, (_, index) => [heap.word(at + 8 * index), heap.word(at + 8 * index + 4)]);
  }

  #gathered(at: number, count: number): Uint8Array {
    const vectors = this.#vectors(at, count);
    const bytes = new Uint8Array(vectors.reduce((sum, [, size]) => sum + size, 0));
    let to = 0;
    for (const [from, size] of vectors) {
      bytes.set(this.#heap.read(from, size), to);
      to += size;
    }
    return bytes;
  }

  /** What a call of WASI answers: 0 and a count, or the error number. */
  #counted(result: number, out: number): number {
    if (result < 0) return -result;
    this.#heap.setInt(out, result);
    return 0;
  }

  #fcntl(open: OpenSocket, command: number, args: number): number {
    switch (command) {
      case F_DUPFD:
        return negative('EMFILE');
      case F_GETFL:
        return O_RDWR | (open.nonblocking ? O_NONBLOCK : 0);
      case F_SETFL:
        open.nonblocking = (this.#heap.int(args) & O_NONBLOCK) !== 0;
        return 0;
      default:
        return 0;
    }
  }

  #ioctl(open: OpenSocket, request: number, args: number): number {
    const at = this.#heap.word(args);
    switch (request) {
      case FIONBIO:
        open.nonblocking = this.#heap.int(at) !== 0;
        return 0;
      case FIONREAD:
        this.#heap.setInt(at, open.available);
        return 0;
      default:
        return negative('EINVAL');
    }
  }
}
