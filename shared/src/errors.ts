/**
 * The catalogue of errors: the code that travels, the words LuaSocket uses for it, and whose fault it is.
 *
 * Two families. *Outcomes* are what an operation may answer (LuaSocket's `nil, message`). *Faults* end a session:
 * one end broke the protocol, or a limit; the one who notices sends FAULT and closes the WebSocket with the code.
 */

/** Outcome codes and LuaSocket's words for them (socket_strerror and socket_gaistrerror in usocket.c, glibc's strerror). */
export const OUTCOMES = {
  // socket_strerror's own words
  EADDRINUSE: 'address already in use',
  EISCONN: 'already connected',
  EACCES: 'permission denied',
  ECONNREFUSED: 'connection refused',
  ECONNABORTED: 'closed',
  ECONNRESET: 'closed',
  EPIPE: 'closed',
  ETIMEDOUT: 'timeout',
  // strerror
  EPERM: 'Operation not permitted',
  EBADF: 'Bad file descriptor',
  EINVAL: 'Invalid argument',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  ENETUNREACH: 'Network is unreachable',
  ENETDOWN: 'Network is down',
  EHOSTUNREACH: 'No route to host',
  EHOSTDOWN: 'Host is down',
  ENOTCONN: 'Transport endpoint is not connected',
  EDESTADDRREQ: 'Destination address required',
  EALREADY: 'Operation already in progress',
  EINPROGRESS: 'Operation now in progress',
  EOPNOTSUPP: 'Operation not supported',
  EAFNOSUPPORT: 'Address family not supported by protocol',
  EPROTONOSUPPORT: 'Protocol not supported',
  EMSGSIZE: 'Message too long',
  EMFILE: 'Too many open files',
  ENFILE: 'Too many open files in system',
  ENOBUFS: 'No buffer space available',
  ENOMEM: 'Cannot allocate memory',
  ENODEV: 'No such device',
  ENOPROTOOPT: 'Protocol not available',
  EPROTO: 'Protocol error',
  EAGAIN: 'Resource temporarily unavailable',
  // options: LuaSocket says one thing for whatever setsockopt answered
  SETSOCKOPT: 'setsockopt failed',
  GETSOCKOPT: 'getsockopt failed',
  // getaddrinfo, getnameinfo: socket_gaistrerror
  EAI_AGAIN: 'temporary failure in name resolution',
  EAI_BADFLAGS: 'invalid value for ai_flags',
  EAI_FAIL: 'non-recoverable failure in name resolution',
  EAI_FAMILY: 'ai_family not supported',
  EAI_MEMORY: 'memory allocation failure',
  EAI_NONAME: 'host or service not provided, or not known',
  EAI_OVERFLOW: 'argument buffer overflow',
  EAI_SERVICE: 'service not supported for socket type',
  EAI_SOCKTYPE: 'ai_socktype not supported',
  EAI_NODATA: 'No address associated with hostname',
  EAI_ADDRFAMILY: 'Address family for hostname not supported',
  EAI_SYSTEM: 'System error',
  // gethostbyname, gethostbyaddr: h_errno
  HOST_NOT_FOUND: 'host not found',
  TRY_AGAIN: 'Host name lookup failure',
  NO_DATA: 'No address associated with name',
  NO_RECOVERY: 'Unknown server error',
  // ours
  CLOSED: 'closed',
} as const;

export type OutcomeCode = keyof typeof OUTCOMES;

/** An outcome that travelled: a code of the catalogue, or one we have no words for and the text the relay's system gives. */
export interface Outcome {
  readonly code: OutcomeCode;
  /** Text instead of the catalogue's, for a system error without a code here. */
  readonly detail?: string | undefined;
}

/** udp:sendto answers with plain gai_strerror instead (udp.c, meth_sendto). */
export const GAI_PLAIN: { readonly [code in OutcomeCode]?: string } = {
  EAI_AGAIN: 'Temporary failure in name resolution',
  EAI_FAIL: 'Non-recoverable failure in name resolution',
  EAI_FAMILY: 'ai_family not supported',
  EAI_MEMORY: 'Memory allocation failure',
  EAI_NONAME: 'Name or service not known',
  EAI_SERVICE: 'Servname not supported for ai_socktype',
  EAI_SOCKTYPE: 'ai_socktype not supported',
};

/** What ends a session: the code in FAULT and (as 4000 + n) in the WebSocket's close frame. PROTOCOL.md, "Faults". */
export const FAULTS = {
  malformed: { close: 4000, fault: 'peer', text: 'bytes that are no frame' },
  unexpected: { close: 4001, fault: 'peer', text: 'a frame that this state or direction does not allow' },
  unknown_socket: { close: 4002, fault: 'peer', text: 'a socket id that is not in use' },
  socket_in_use: { close: 4003, fault: 'peer', text: 'a socket id that is in use, or not the sender’s to choose' },
  wrong_kind: { close: 4004, fault: 'peer', text: 'an operation that this kind of socket does not have' },
  overrun: { close: 4005, fault: 'peer', text: 'more data than the credit allows' },
  too_large: { close: 4006, fault: 'peer', text: 'a message, payload or text above its limit' },
  unsupported_version: { close: 4007, fault: 'peer', text: 'a protocol version that this end does not speak' },
  unauthorized: { close: 4008, fault: 'peer', text: 'a ticket that is missing, wrong, used or expired' },
  limit: { close: 4009, fault: 'peer', text: 'a limit of the relay is reached' },
  not_resumable: { close: 4010, fault: 'peer', text: 'the session cannot be resumed' },
  timeout: { close: 4011, fault: 'peer', text: 'nothing was heard in time' },
  replaced: { close: 4012, fault: 'peer', text: 'the session continues on another WebSocket' },
  going_away: { close: 4013, fault: 'local', text: 'the relay is shutting down' },
  internal: { close: 4014, fault: 'local', text: 'a defect of this end' },
} as const;

export type FaultCode = keyof typeof FAULTS;

/** A protocol error as an exception. `fault` says which end broke the rules. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: FaultCode;
  constructor(code: FaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
  get fault(): 'peer' | 'local' {
    return FAULTS[this.code].fault;
  }
}

/** LuaSocket's words for an outcome. */
export function words(outcome: Outcome): string {
  return outcome.detail ?? OUTCOMES[outcome.code];
}

export function isOutcomeCode(code: string): code is OutcomeCode {
  return Object.hasOwn(OUTCOMES, code);
}
