/** Error numbers as Emscripten's C library has them (WASI's), and getaddrinfo's as musl has them. */
import type { OutcomeCode } from '@luasocket-web/shared/errors';
import type { Failure } from '../core/channel.ts';

const ENETDOWN = 38;
const EHOSTUNREACH = 23;
const ENOPROTOOPT = 50;
const ECONNABORTED = 13;

/** errno.h of Emscripten's libc. What has no number there is what a program can make most of. */
const NUMBERS: { readonly [code in OutcomeCode]: number } = {
  EADDRINUSE: 3,
  EISCONN: 30,
  EACCES: 2,
  ECONNREFUSED: 14,
  ECONNABORTED,
  ECONNRESET: 15,
  EPIPE: 64,
  ETIMEDOUT: 73,
  EPERM: 63,
  EBADF: 8,
  EINVAL: 28,
  EADDRNOTAVAIL: 4,
  ENETUNREACH: 40,
  ENETDOWN,
  EHOSTUNREACH,
  EHOSTDOWN: 142,
  ENOTCONN: 53,
  EDESTADDRREQ: 17,
  EALREADY: 7,
  EINPROGRESS: 26,
  EOPNOTSUPP: 138,
  EAFNOSUPPORT: 5,
  EPROTONOSUPPORT: 66,
  EMSGSIZE: 35,
  EMFILE: 33,
  ENFILE: 41,
  ENOBUFS: 42,
  ENOMEM: 48,
  ENODEV: 43,
  ENOPROTOOPT,
  EPROTO: 65,
  EAGAIN: 6,
  SETSOCKOPT: ENOPROTOOPT,
  GETSOCKOPT: ENOPROTOOPT,
  // A name that a socket was to go to, and that there is not.
  EAI_AGAIN: EHOSTUNREACH,
  EAI_BADFLAGS: EHOSTUNREACH,
  EAI_FAIL: EHOSTUNREACH,
  EAI_FAMILY: EHOSTUNREACH,
  EAI_MEMORY: EHOSTUNREACH,
  EAI_NONAME: EHOSTUNREACH,
  EAI_OVERFLOW: EHOSTUNREACH,
  EAI_SERVICE: EHOSTUNREACH,
  EAI_SOCKTYPE: EHOSTUNREACH,
  EAI_NODATA: EHOSTUNREACH,
  EAI_ADDRFAMILY: EHOSTUNREACH,
  EAI_SYSTEM: EHOSTUNREACH,
  HOST_NOT_FOUND: EHOSTUNREACH,
  TRY_AGAIN: EHOSTUNREACH,
  NO_DATA: EHOSTUNREACH,
  NO_RECOVERY: EHOSTUNREACH,
  // The relay is lost: LuaSocket says "closed" to both.
  CLOSED: ECONNABORTED,
};

/** netdb.h of musl. */
export const EAI = {
  BADFLAGS: -1,
  NONAME: -2,
  AGAIN: -3,
  FAIL: -4,
  FAMILY: -6,
  SOCKTYPE: -7,
  SERVICE: -8,
  MEMORY: -10,
  SYSTEM: -11,
  OVERFLOW: -12,
} as const;

/** h_errno: netdb.h. */
export const HOST_NOT_FOUND = 1;

/** What a system call answers when it fails: the number, negative. */
export function negative(code: OutcomeCode): number {
  return -NUMBERS[code];
}

export function errnoOf(failure: Failure): number {
  return NUMBERS[failure.code];
}

/** What getaddrinfo answers for a look-up that failed. */
export function eaiOf(failure: Failure): number {
  switch (failure.code) {
    case 'EAI_AGAIN':
    case 'TRY_AGAIN':
    case 'CLOSED':
      return EAI.AGAIN;
    case 'EAI_SERVICE':
      return EAI.SERVICE;
    case 'EAI_FAMILY':
      return EAI.FAMILY;
    case 'EAI_FAIL':
    case 'NO_RECOVERY':
    case 'EACCES':
      return EAI.FAIL;
    default:
      return EAI.NONAME;
  }
}
