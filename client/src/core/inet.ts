/**
 * Names, addresses and what LuaSocket does with a list of them: inet.c. Addresses in plain form and decimal ports never
 * trouble the relay; everything else is getaddrinfo's business there.
 */
import { parseAddress, parsePort } from '@luasocket-web/shared/address';
import { words } from '@luasocket-web/shared/errors';
import { aton } from './aton.ts';
import { type Endpoint, Failure, type Family, type LookupUse, type Where } from './channel.ts';
import { answered, type Context, fence, granted } from './context.ts';
import { INVALID } from './descriptors.ts';
import type { Op } from './op.ts';
import type { LocalName, PeerName } from './results.ts';
import type { Timeout } from './timeout.ts';
import * as usocket from './usocket.ts';

/** What getaddrinfo is asked. `family` 0 is any. */
export interface Hints {
  readonly family: Family | 0;
  readonly kind: 'tcp' | 'udp';
  readonly use: LookupUse;
}

/** The wildcard and the loopback: what getaddrinfo makes of no host, with AI_PASSIVE and without. */
const NO_HOST = { bind: { 4: '0.0.0.0', 6: '::' }, other: { 4: '127.0.0.1', 6: '::1' } } as const;

/**
 * getaddrinfo, as a list of where to go. Without patience an answer that is not there yet is one place, to be filled in
 * by the relay.
 */
function* resolve(context: Context, host: string, service: string, hints: Hints): Op<readonly Where[] | Failure> {
  const impatient = context.patience === 'never';
  const here = resolveHere(impatient ? loopbackOf(host, hints.family) : host, service, hints);
  if (here !== null) return here instanceof Failure ? here : [here];
  // LuaSocket says "*" for the wildcard; glibc takes it for no host in any case.
  const name = host === '*' ? null : host;
  // The family of an answer that is not there yet has to be known: who does not say otherwise gets IPv4.
  const family = impatient ? hints.family || (parseAddress(host)?.family ?? 4) : hints.family;
  const lookup = context.channel.lookup(name, service, family, hints.kind, hints.use);
  const assumed: readonly Where[] = [{ lookup, index: 0 }];
  return yield* answered<readonly Where[]>(context, lookup, assumed);
}

/** `localhost` is this machine wherever it is looked up (RFC 6761, section 6.3), so that nobody need be asked. */
function loopbackOf(host: string, family: Family | 0): string {
  return host === 'localhost' ? NO_HOST.other[family || 4] : host;
}

/** What needs no resolver: null when it does. */
function resolveHere(host: string, service: string, { family, use }: Hints): Endpoint | Failure | null {
  const port = parsePort(service);
  if (port === null) return null;
  if (host === '*') {
    return family === 0 ? null : { family, address: NO_HOST[use === 'bind' ? 'bind' : 'other'][family], port };
  }
  const literal = parseAddress(host);
  if (literal === null) return null;
  if (family !== 0 && family !== literal.family) return new Failure('EAI_ADDRFAMILY');
  return { ...literal, port };
}

/** What an attempt on an object may change. */
export interface Attempt {
  descriptor: number;
  readonly timeout: Timeout;
}

/** socket(2) and its descriptor. */
export function create(context: Context, kind: 'tcp' | 'udp', family: Family): number | Failure {
  const socket = kind === 'tcp' ? context.channel.tcp(family) : context.channel.udp(family);
  return socket instanceof Failure ? socket : context.descriptors.open(socket);
}

/** The same as LuaSocket does it in the middle of a bind or connect, where ipv6-v6only keeps the system's default. */
function createPlain(context: Context, kind: 'tcp' | 'udp', family: Family): number | Failure {
  const descriptor = create(context, kind, family);
  if (family === 6 && typeof descriptor === 'number') {
    // Nobody asks how it went: the relay does a socket's requests in order.
    context.descriptors.get(descriptor)?.socket.setOption('ipv6-v6only', false);
  }
  return descriptor;
}

function familyOf(where: Where, otherwise: Family | 0): Family {
  return 'family' in where ? where.family : otherwise === 6 ? 6 : 4;
}

/** What udp:sendto resolves: nothing but numbers. */
export function* resolveNumeric(
  context: Context,
  host: string,
  service: string,
  family: Family,
): Op<Endpoint | Failure> {
  const hints = { family, kind: 'udp', use: 'numeric' } as const;
  const here = resolveHere(host, service, hints);
  if (here !== null) return here;
  if (context.patience === 'never') return oddNumbers(host, service, family);
  const name = host === '*' ? null : host;
  const lookup = context.channel.lookup(name, service, family, 'udp', 'numeric');
  const found = yield* answered(context, lookup, usocket.IO_TIMEOUT);
  return found instanceof Failure ? found : (found[0] ?? new Failure('EAI_NONAME'));
}

/** Numbers in a form that only getaddrinfo knows (`127.1`), as far as they are read here. */
function oddNumbers(host: string, service: string, family: Family): Endpoint | Failure {
  const port = parsePort(service);
  const address = family === 4 ? aton(host) : null;
  return port === null || address === null ? new Failure('EAI_NONAME') : { family, address, port };
}

/** The family that an address of the list decided, or why none of them would do. */
export type Tried = { readonly family: Family } | Failure;

/**
 * inet_tryconnect: the addresses in turn, whatever was wrong with the one before. Makes a socket of
 * the address's family where the object's is another. Null when one is connected.
 */
export function* tryConnect(
  context: Context,
  object: Attempt & { family: Family | 0 },
  host: string,
  service: string,
  hints: Hints,
): Op<Failure | null> {
  const refusal = usocket.refusalOf(context, object);
  if (refusal !== null) return refusal;
  const places = yield* resolve(context, host, service, hints);
  if (places instanceof Failure) return places;
  let failure: Failure | null = null;
  for (const where of places) {
    object.timeout.markStart(context.channel.now());
    const family = familyOf(where, hints.family);
    if (object.family !== family) {
      context.descriptors.close(object.descriptor);
      object.descriptor = INVALID;
      const descriptor = createPlain(context, hints.kind, family);
      if (descriptor instanceof Failure) return descriptor;
      object.descriptor = descriptor;
      object.family = family;
    }
    failure = yield* usocket.connect(context, object, object.timeout, where);
    if (failure === null) return null;
    // It goes on, and nobody waits to see whether the next address is needed.
    if (context.patience === 'never' && failure === usocket.IO_TIMEOUT) break;
  }
  return failure;
}

/** inet_trybind: the addresses in turn; makes a socket where the object has none. */
export function* tryBind(
  context: Context,
  object: { descriptor: number },
  host: string,
  service: string,
  hints: Hints,
): Op<Tried> {
  const refusal = usocket.refusalOf(context, object);
  if (refusal !== null) return refusal;
  const places = yield* resolve(context, host, service, hints);
  if (places instanceof Failure) return places;
  const original = object.descriptor;
  let failure: Failure = new Failure('EAI_NONAME');
  for (const where of places) {
    const family = familyOf(where, hints.family);
    if (object.descriptor === INVALID) {
      const descriptor = createPlain(context, hints.kind, family);
      if (descriptor instanceof Failure) {
        failure = descriptor;
        continue;
      }
      object.descriptor = descriptor;
    }
    const slot = usocket.slotOf(context, object);
    const bound = slot instanceof Failure ? slot : yield* granted(context, slot, slot.socket.bind(where), undefined);
    if (!(bound instanceof Failure)) return { family };
    failure = bound;
    if (object.descriptor !== original) {
      context.descriptors.close(object.descriptor);
      object.descriptor = INVALID;
    }
  }
  return failure;
}

/** inet_meth_getsockname: the port is a string. */
export function* getSockName(context: Context, object: { descriptor: number }, family: Family | 0): Op<LocalName> {
  const refusal = usocket.refusalOf(context, object);
  if (refusal !== null) return [null, words(refusal)];
  const socket = usocket.socketOf(context, object);
  if (socket instanceof Failure) return [null, words(socket)];
  const name = yield* answered(context, socket.localName(), socket.knownName);
  if (name instanceof Failure) return [null, words(name)];
  return [addressText(name), String(name.port), family === 6 ? 'inet6' : 'inet'];
}

/** inet_meth_getpeername: the port is a number. */
export function* getPeerName(context: Context, object: { descriptor: number }, family: Family | 0): Op<PeerName> {
  const refusal = usocket.refusalOf(context, object);
  if (refusal !== null) return [null, words(refusal)];
  const socket = usocket.socketOf(context, object);
  if (socket instanceof Failure) return [null, words(socket)];
  let name = socket.peerName();
  if (name instanceof Failure && socket.kind === 'tcp' && !socket.established && !socket.writable) {
    // Still connecting, as far as is known here.
    yield* fence(context, [socket], () => socket.writable);
    name = socket.peerName();
  }
  if (name instanceof Failure) return [null, words(name)];
  return [addressText(name), name.port, family === 6 ? 'inet6' : 'inet'];
}

/** getnameinfo with NI_NUMERICHOST: a link-local address carries its interface. */
export function addressText({ address, scope }: Endpoint): string {
  return scope ? `${address}%${scope}` : address;
}
