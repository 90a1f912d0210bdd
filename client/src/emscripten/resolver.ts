/** getaddrinfo, getnameinfo, gethostbyname and gethostbyaddr of a C library, over Names. */
import { type Endpoint, Failure, type HostEntry } from '../core/channel.ts';
import { EAI, eaiOf, HOST_NOT_FOUND } from './errno.ts';
import { AF_INET, AF_INET6, sockaddr } from './heap.ts';
import type { Names } from './names.ts';
import type { Program } from './program.ts';

/** netdb.h of musl. */
const AI_PASSIVE = 1;
const AI_NUMERICHOST = 4;
const NI_NUMERICHOST = 1;
const NI_NAMEREQD = 8;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
/** sizeof(struct addrinfo), sizeof(struct hostent) */
const ADDRINFO_SIZE = 32;
const HOSTENT_SIZE = 20;
/** Bytes for a host entry and everything it points to, and the most aliases and addresses there. */
const ENTRY_SIZE = 2048;
const ENTRY_LIST = 16;

export class Resolver {
  readonly #program: Program;
  readonly #names: Names;
  /** Where gethostbyname leaves its answer, as a C library does: the next one takes its place. */
  #entryAt = 0;
  /** Ends of lists of addresses by what they say: freeaddrinfo frees the first of a list alone, so these are kept. */
  readonly #tails = new Map<string, number>();

  constructor(program: Program, names: Names) {
    this.#program = program;
    this.#names = names;
  }

  getaddrinfo(node: number, service: number, hints: number, out: number): number {
    const { heap } = this.#program;
    const flags = hints === 0 ? 0 : heap.int(hints);
    const family = hints === 0 ? 0 : heap.int(hints + 4);
    const type = hints === 0 ? 0 : heap.int(hints + 8);
    if (node === 0 && service === 0) return EAI.NONAME;
    if (family !== 0 && family !== AF_INET && family !== AF_INET6) return EAI.FAMILY;
    if (type !== 0 && type !== SOCK_STREAM && type !== SOCK_DGRAM) return EAI.SOCKTYPE;
    const found = this.#names.resolve({
      host: heap.text(node),
      service: heap.text(service),
      family: family === AF_INET ? 4 : family === AF_INET6 ? 6 : 0,
      kind: type === SOCK_DGRAM ? 'udp' : 'tcp',
      passive: (flags & AI_PASSIVE) !== 0,
      numeric: (flags & AI_NUMERICHOST) !== 0,
    });
    if (found instanceof Failure) return eaiOf(found);
    const [first, ...rest] = found;
    if (first === undefined) return EAI.NONAME;
    const list = this.#node(first, type || SOCK_STREAM, this.#tail(rest, type || SOCK_STREAM));
    if (list === 0) return EAI.MEMORY;
    heap.setInt(out, list);
    return 0;
  }

  getnameinfo(
    at: number,
    size: number,
    host: number,
    hostSize: number,
    service: number,
    serviceSize: number,
    flags: number,
  ): number {
    const { heap } = this.#program;
    const endpoint = heap.endpoint(at, size);
    if (typeof endpoint === 'symbol') return EAI.FAMILY;
    if (host !== 0 && hostSize !== 0) {
      const name = (flags & NI_NUMERICHOST) !== 0 ? null : this.#names.nameOf(endpoint.address);
      if (name === null && (flags & NI_NAMEREQD) !== 0) return EAI.NONAME;
      const { address, scope } = endpoint;
      const numeric = scope ? `${address}%${scope}` : address;
      if (!heap.setText(host, hostSize, name ?? numeric)) return EAI.OVERFLOW;
    }
    if (service !== 0 && serviceSize !== 0 && !heap.setText(service, serviceSize, String(endpoint.port))) {
      return EAI.OVERFLOW;
    }
    return 0;
  }

  gethostbyname(name: number): number {
    return this.#answer(this.#names.entry(this.#program.heap.text(name) ?? ''));
  }

  gethostbyaddr(address: number, size: number, type: number): number {
    if (type !== AF_INET || size !== 4) {
      this.#program.setErrno(HOST_NOT_FOUND);
      return 0;
    }
    return this.#answer(this.#names.entry(this.#program.heap.read(address, 4).join('.')));
  }

  #answer(entry: HostEntry | Failure): number {
    const addresses = entry instanceof Failure ? [] : entry.addresses.filter((address) => !address.includes(':'));
    if (entry instanceof Failure || addresses.length === 0) {
      // LuaSocket reads h_errno, which is the program's own, and then errno.
      this.#program.setErrno(HOST_NOT_FOUND);
      return 0;
    }
    this.#entryAt ||= this.#program.allocate(ENTRY_SIZE);
    return this.#entryAt === 0 ? 0 : this.#layEntry(this.#entryAt, { ...entry, addresses });
  }

  /** A struct hostent, then its lists, addresses and texts. */
  #layEntry(at: number, { name, aliases, addresses }: HostEntry): number {
    const { heap } = this.#program;
    const aliasesAt = at + HOSTENT_SIZE;
    const addressesAt = aliasesAt + 4 * (ENTRY_LIST + 1);
    const octetsAt = addressesAt + 4 * (ENTRY_LIST + 1);
    let textAt = octetsAt + 4 * ENTRY_LIST;
    const text = (value: string): number => {
      const place = textAt;
      // What does not fit is cut.
      if (!heap.setText(place, at + ENTRY_SIZE - place, value)) return octetsAt - 4;
      textAt += new TextEncoder().encode(value).length + 1;
      return place;
    };
    heap.setInt(octetsAt - 4, 0);
    heap.setInt(at, text(name));
    heap.setInt(at + 4, aliasesAt);
    heap.setInt(at + 8, AF_INET);
    heap.setInt(at + 12, 4);
    heap.setInt(at + 16, addressesAt);
    const some = aliases.slice(0, ENTRY_LIST);
    heap.setInts(aliasesAt, [...some.map(text), 0]);
    const few = addresses.slice(0, ENTRY_LIST - 1);
    few.forEach((address, index) => {
      heap.write(octetsAt + 4 * index, sockaddr({ family: 4, address, port: 0 }).subarray(4, 8));
      heap.setInt(addressesAt + 4 * index, octetsAt + 4 * index);
    });
    heap.setInt(addressesAt + 4 * few.length, 0);
    return at;
  }

  #tail(endpoints: readonly Endpoint[], type: number): number {
    const [first, ...rest] = endpoints;
    if (first === undefined) return 0;
    const key = JSON.stringify([type, endpoints]);
    const known = this.#tails.get(key);
    if (known !== undefined) return known;
    const made = this.#node(first, type, this.#tail(rest, type));
    this.#tails.set(key, made);
    return made;
  }

  /** A struct addrinfo and its address, which are freed apart; 0 when there is no memory. */
  #node(endpoint: Endpoint, type: number, next: number): number {
    const { heap } = this.#program;
    const bytes = sockaddr(endpoint);
    const address = this.#program.allocate(bytes.length);
    const at = this.#program.allocate(ADDRINFO_SIZE);
    if (address === 0 || at === 0) return 0;
    heap.write(address, bytes);
    const words = [
      0,
      endpoint.family === 4 ? AF_INET : AF_INET6,
      type,
      type === SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP,
      bytes.length,
      address,
      0,
      next,
    ];
    heap.setInts(at, words);
    return at;
  }
}
