/**
 * The resolver of the C library, through koffi: getaddrinfo(3), getnameinfo(3), gethostbyname_r(3), gethostbyaddr_r(3).
 * Node has no counterpart that takes service names, odd spellings of addresses, or gives the exact codes of netdb.h.
 * Knows no policy and no limits: whoever calls decides what may be asked, since a call may query name servers.
 */
import { createRequire } from 'node:module';
import type { Endpoint, Family } from '@luasocket-web/shared/address';
import type { OutcomeCode } from '@luasocket-web/shared/errors';
import { type SocketConstants, socketConstants } from './constants.ts';
import { Refusal } from './refusal.ts';
import { readSockaddr, SOCKADDR_BYTES, writeSockaddr } from './sockaddr.ts';

type Koffi = typeof import('koffi');

/** struct addrinfo's hints, as far as LuaSocket sets them. */
export interface AddressHints {
  /** 0: any. */
  readonly family: Family | 0;
  readonly kind: 'stream' | 'datagram';
  /** AI_PASSIVE: a null node is the wildcard, else loopback. */
  readonly passive: boolean;
  /** AI_NUMERICHOST: never ask anybody for the name. */
  readonly numericHost: boolean;
  /** AI_NUMERICSERV */
  readonly numericService: boolean;
}

/** struct hostent, in text. */
export interface HostEntry {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly addresses: readonly string[];
  /** Seconds that the answer holds, where a name server told. */
  readonly ttl?: number;
}

/** The code of netdb.h with which a call failed. */
export class LookupError extends Refusal {
  override readonly name = 'LookupError';
  readonly code: OutcomeCode;
  constructor(code: OutcomeCode) {
    super(code);
    this.code = code;
  }
}

/** Calls reject with a LookupError. They run outside the event loop's thread: the library may wait for a name server. */
export interface ResolverLibrary {
  addresses(node: string | null, service: string | null, hints: AddressHints): Promise<readonly Endpoint[]>;
  /** The name of an address (or its numbers) and of its port for TCP. */
  names(endpoint: Endpoint): Promise<{ readonly host: string; readonly service: string }>;
  hostByName(name: string): Promise<HostEntry>;
  /** `address`: a dotted quad. */
  hostByAddress(address: string): Promise<HostEntry>;
}

/** netdb.h of glibc and musl. */
const EAI: ReadonlyMap<number, OutcomeCode> = new Map([
  [-1, 'EAI_BADFLAGS'],
  [-2, 'EAI_NONAME'],
  [-3, 'EAI_AGAIN'],
  [-4, 'EAI_FAIL'],
  [-5, 'EAI_NODATA'],
  [-6, 'EAI_FAMILY'],
  [-7, 'EAI_SOCKTYPE'],
  [-8, 'EAI_SERVICE'],
  [-9, 'EAI_ADDRFAMILY'],
  [-10, 'EAI_MEMORY'],
  [-11, 'EAI_SYSTEM'],
  [-12, 'EAI_OVERFLOW'],
]);
const H_ERRNO: ReadonlyMap<number, OutcomeCode> = new Map([
  [1, 'HOST_NOT_FOUND'],
  [2, 'TRY_AGAIN'],
  [3, 'NO_RECOVERY'],
  [4, 'NO_DATA'],
]);
const AI_PASSIVE = 0x1;
const AI_NUMERICHOST = 0x4;
const AI_NUMERICSERV = 0x400;
const NI_MAXHOST = 1025;
const NI_MAXSERV = 32;
/** Room for the strings of a struct hostent; glibc's own static buffer starts at 1 KiB. */
const HOSTENT_BYTES = 16_384;
const POINTER_BYTES = 8;

/** Null without koffi, and on platforms whose struct addrinfo is laid out otherwise. */
export function loadResolverLibrary(): ResolverLibrary | null {
  const constants = socketConstants(process.platform, process.arch);
  const is64Bit = /^(x64|arm64|riscv64|loong64|ppc64|s390x)$/.test(process.arch);
  if (constants === null || process.platform !== 'linux' || !is64Bit) return null;
  try {
    return bindResolver(createRequire(import.meta.url)('koffi') as Koffi, constants);
  } catch {
    return null;
  }
}

interface AddrInfo {
  readonly ai_addrlen: number;
  readonly ai_addr: bigint | null;
  readonly ai_next: bigint | null;
}

interface HostEnt {
  readonly h_name: string;
  readonly h_aliases: bigint;
  readonly h_addrtype: number;
  readonly h_addr_list: bigint;
}

function bindResolver(koffi: Koffi, c: SocketConstants): ResolverLibrary {
  const library = koffi.load(null);
  const addrinfo = koffi.struct({
    ai_flags: 'int',
    ai_family: 'int',
    ai_socktype: 'int',
    ai_protocol: 'int',
    ai_addrlen: 'uint32_t',
    ai_addr: 'void *',
    ai_canonname: 'void *',
    ai_next: 'void *',
  });
  const hostent = koffi.struct({
    h_name: 'const char *',
    h_aliases: 'void *',
    h_addrtype: 'int',
    h_length: 'int',
    h_addr_list: 'void *',
  });
  const outPointer = koffi.out(koffi.pointer('void *'));
  const outInteger = koffi.out(koffi.pointer('int'));
  const outHostent = koffi.out(koffi.pointer(hostent));
  const call = {
    getaddrinfo: library.func('getaddrinfo', 'int', [
      'const char *',
      'const char *',
      koffi.pointer(addrinfo),
      outPointer,
    ]),
    freeaddrinfo: library.func('void freeaddrinfo(void *)'),
    getnameinfo: library.func('int getnameinfo(const void *, uint32_t, void *, uint32_t, void *, uint32_t, int)'),
    gethostbyname_r: library.func('gethostbyname_r', 'int', [
      'const char *',
      outHostent,
      'void *',
      'size_t',
      outPointer,
      outInteger,
    ]),
    gethostbyaddr_r: library.func('gethostbyaddr_r', 'int', [
      'const void *',
      'uint32_t',
      'int',
      outHostent,
      'void *',
      'size_t',
      outPointer,
      outInteger,
    ]),
  };
  const bytesAt = (pointer: bigint, length: number): Uint8Array =>
    koffi.decode(pointer, koffi.array('uint8_t', length, 'Typed')) as Uint8Array;

  const readList = (first: bigint): Endpoint[] => {
    const endpoints: Endpoint[] = [];
    let next: bigint | null = first;
    while (next !== null) {
      const info = koffi.decode(next, addrinfo) as AddrInfo;
      if (info.ai_addr !== null) {
        // An IPv4 address is shorter than what readSockaddr may look at.
        const bytes = new Uint8Array(SOCKADDR_BYTES);
        bytes.set(bytesAt(info.ai_addr, Math.min(info.ai_addrlen, SOCKADDR_BYTES)));
        const endpoint = readSockaddr(bytes, c);
        if (endpoint) endpoints.push(endpoint);
      }
      next = info.ai_next;
    }
    return endpoints;
  };

  /** A null-terminated array of pointers. */
  const pointers = <T>(list: bigint, read: (pointer: bigint) => T): T[] => {
    const found: T[] = [];
    for (let i = 0; ; i++) {
      const pointer = koffi.decode(list, i * POINTER_BYTES, 'void *') as bigint | null;
      if (pointer === null) return found;
      found.push(read(pointer));
    }
  };

  const readHost = (entry: HostEnt): HostEntry => ({
    name: entry.h_name,
    aliases: pointers(entry.h_aliases, (pointer) => koffi.decode(pointer, 'char', -1) as string),
    addresses: pointers(entry.h_addr_list, (pointer) => bytesAt(pointer, 4).join('.')),
  });

  const host = (
    begin: (
      entry: object,
      room: Uint8Array,
      result: [bigint | null],
      error: [number],
      done: (failure: unknown) => void,
    ) => void,
  ): Promise<HostEntry> =>
    new Promise((resolve, reject) => {
      const entry = {};
      const room = new Uint8Array(HOSTENT_BYTES);
      const result: [bigint | null] = [null];
      const error: [number] = [0];
      begin(entry, room, result, error, (failure) => {
        if (failure) reject(failure);
        else if (result[0] === null) reject(new LookupError(H_ERRNO.get(error[0]) ?? 'NO_RECOVERY'));
        else {
          // The entry's pointers lead into `room`, which must live until they are read.
          const found = readHost(entry as HostEnt);
          if (room.length > 0) resolve(found);
        }
      });
    });

  return {
    addresses: (node, service, hints) =>
      new Promise((resolve, reject) => {
        const out: [bigint | null] = [null];
        call.getaddrinfo.async(node, service, toAddrInfo(hints, c), out, (failure: unknown, result: number) => {
          if (failure) reject(failure);
          else if (result !== 0) reject(new LookupError(EAI.get(result) ?? 'EAI_FAIL'));
          else {
            const endpoints = out[0] === null ? [] : readList(out[0]);
            call.freeaddrinfo(out[0]);
            resolve(endpoints);
          }
        });
      }),
    names: (endpoint) =>
      new Promise((resolve, reject) => {
        const address = new Uint8Array(SOCKADDR_BYTES);
        const length = writeSockaddr(address, endpoint, c);
        const name = new Uint8Array(NI_MAXHOST);
        const service = new Uint8Array(NI_MAXSERV);
        call.getnameinfo.async(
          address,
          length,
          name,
          name.length,
          service,
          service.length,
          0,
          (failure: unknown, result: number) => {
            if (failure) reject(failure);
            else if (result !== 0) reject(new LookupError(EAI.get(result) ?? 'EAI_FAIL'));
            else resolve({ host: cString(name), service: cString(service) });
          },
        );
      }),
    hostByName: (name) =>
      host((entry, room, result, error, done) =>
        call.gethostbyname_r.async(name, entry, room, room.length, result, error, done),
      ),
    hostByAddress: (address) =>
      host((entry, room, result, error, done) => {
        const bytes = Uint8Array.from(address.split('.'), Number);
        call.gethostbyaddr_r.async(bytes, bytes.length, c.AF_INET, entry, room, room.length, result, error, done);
      }),
  };
}

function toAddrInfo(hints: AddressHints, c: SocketConstants): object {
  return {
    ai_flags:
      (hints.passive ? AI_PASSIVE : 0) |
      (hints.numericHost ? AI_NUMERICHOST : 0) |
      (hints.numericService ? AI_NUMERICSERV : 0),
    ai_family: hints.family === 0 ? 0 : hints.family === 4 ? c.AF_INET : c.AF_INET6,
    ai_socktype: hints.kind === 'stream' ? c.SOCK_STREAM : c.SOCK_DGRAM,
    ai_protocol: 0,
    ai_addrlen: 0,
    ai_addr: null,
    ai_canonname: null,
    ai_next: null,
  };
}

function cString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(bytes.subarray(0, end < 0 ? bytes.length : end)).toString('latin1');
}
