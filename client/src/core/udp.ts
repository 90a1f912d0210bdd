/** UDP objects: udp.c. Each function is one method, or a function of the library that makes an object. */
import { GAI_PLAIN, words } from '@luasocket-web/shared/errors';
import { MAX_DATAGRAM_V4, MAX_DATAGRAM_V6 } from '@luasocket-web/shared/limits';
import { Args } from './args.ts';
import { type Endpoint, Failure, type Family } from './channel.ts';
import { answered, type Context, granted } from './context.ts';
import * as inet from './inet.ts';
import { toSize } from './lua.ts';
import type { Op } from './op.ts';
import * as options from './options.ts';
import type { Done, Failed, LocalName, OptionResult, PeerName } from './results.ts';
import { checkClass, type UdpState } from './state.ts';
import { Timeout } from './timeout.ts';
import * as usocket from './usocket.ts';

type Values = readonly unknown[];

/** udp.h, UDP_DATAGRAMSIZE. */
const DATAGRAM_SIZE = 8192;

/** socket.udp(), socket.udp6() */
export function create(context: Context, family: Family): UdpState | Failure {
  const descriptor = inet.create(context, 'udp', family);
  if (descriptor instanceof Failure) return descriptor;
  return { class: 'udp{unconnected}', descriptor, family, timeout: new Timeout() };
}

/** udp_strerror: io.h's "closed" (no descriptor; EPIPE in socket_sendto) is "refused". A relay that refuses a peer says EPIPE. */
function udpWords(failure: Failure): string {
  return failure === usocket.IO_CLOSED || failure.code === 'EPIPE' ? 'refused' : words(failure);
}

/** The bytes of a datagram that the caller wants; cut to LuaSocket's buffer. */
function sizeOf(args: Args): number {
  return Math.min(toSize(args.optNumber(1, DATAGRAM_SIZE)), DATAGRAM_SIZE);
}

/** What receive and receivefrom answer where nobody waits and nothing has come; null when there is more to look at. */
export function receiveIdle(
  context: Context,
  state: UdpState,
  expected: UdpState['class'] | null,
  values: Values,
): Failed | null {
  if (context.patience !== 'never' || values.length > 0 || (expected !== null && state.class !== expected)) return null;
  const slot = context.descriptors.get(state.descriptor);
  return slot?.socket.kind === 'udp' && !slot.readable ? [null, words(usocket.IO_TIMEOUT)] : null;
}

export function* receive<B>(context: Context<B>, state: UdpState, values: Values): Op<[datagram: B] | Failed> {
  const size = sizeOf(new Args('receive', values, context.strings));
  state.timeout.markStart(context.channel.now());
  const got = yield* usocket.receiveFrom(context, state, state.timeout, size);
  // Without a descriptor nothing was received, which looks like an empty datagram.
  if (got === usocket.IO_CLOSED) return [context.strings.decode(new Uint8Array())];
  return got instanceof Failure ? [null, udpWords(got)] : [context.strings.decode(got.payload.subarray(0, size))];
}

export function* receiveFrom<B>(
  context: Context<B>,
  state: UdpState,
  values: Values,
): Op<[datagram: B, address: string, port: number] | Failed> {
  checkClass(state, 'udp{unconnected}', 'receivefrom');
  const size = sizeOf(new Args('receivefrom', values, context.strings));
  state.timeout.markStart(context.channel.now());
  const got = yield* usocket.receiveFrom(context, state, state.timeout, size);
  if (got instanceof Failure && got !== usocket.IO_CLOSED) return [null, udpWords(got)];
  // Without a sender (no descriptor, or a stream's) getnameinfo is given an address of no family.
  if (got instanceof Failure || got.peer === null) return [null, words({ code: 'EAI_FAMILY' })];
  return [context.strings.decode(got.payload.subarray(0, size)), inet.addressText(got.peer), got.peer.port];
}

/** object:send(datagram), to the peer. */
export function* send(context: Context, state: UdpState, values: Values): Op<[bytes: number] | Failed> {
  checkClass(state, 'udp{connected}', 'send');
  const payload = new Args('send', values, context.strings).bytes(1);
  return yield* transmit(context, state, payload, null);
}

/** object:sendto(datagram, ip, port) */
export function* sendTo(context: Context, state: UdpState, values: Values): Op<[bytes: number] | Failed> {
  checkClass(state, 'udp{unconnected}', 'sendto');
  const args = new Args('sendto', values, context.strings);
  const payload = args.bytes(1);
  const address = args.text(2);
  const port = args.text(3);
  const peer = yield* inet.resolveNumeric(context, address, port, state.family);
  if (peer instanceof Failure) return [null, plainWords(peer)];
  return yield* transmit(context, state, payload, peer);
}

/** gai_strerror, which sendto uses and nothing else. */
function plainWords(failure: Failure): string {
  return GAI_PLAIN[failure.code] ?? words(failure);
}

function* transmit(
  context: Context,
  state: UdpState,
  payload: Uint8Array,
  peer: Endpoint | null,
): Op<[bytes: number] | Failed> {
  state.timeout.markStart(context.channel.now());
  const slot = usocket.lookUp(context, state);
  if (slot instanceof Failure) return [null, udpWords(slot)];
  const { socket } = slot;
  if (socket.kind === 'tcp') {
    const sent = yield* usocket.send(context, state, state.timeout, payload, 0, payload.length);
    return sent instanceof Failure ? [null, udpWords(sent)] : [sent];
  }
  if (payload.length > (socket.family === 4 ? MAX_DATAGRAM_V4 : MAX_DATAGRAM_V6)) {
    return [null, words({ code: 'EMSGSIZE' })];
  }
  const sent = yield* granted(context, slot, socket.send(payload, peer), undefined);
  return sent instanceof Failure ? [null, udpWords(sent)] : [payload.length];
}

export function* setSockName(context: Context, state: UdpState, values: Values): Op<Done | Failed> {
  checkClass(state, 'udp{unconnected}', 'setsockname');
  const args = new Args('setsockname', values, context.strings);
  const address = args.text(1);
  const port = args.text(2);
  const hints = { family: state.family, kind: 'udp', use: 'bind' } as const;
  const tried = yield* inet.tryBind(context, state, address, port, hints);
  return tried instanceof Failure ? [null, words(tried)] : [1];
}

export function* setPeerName(context: Context, state: UdpState, values: Values): Op<Done | Failed> {
  const args = new Args('setpeername', values, context.strings);
  const address = args.text(1);
  if (address === '*') {
    // inet_trydisconnect: LuaSocket does not look at what came of it.
    const socket = usocket.socketOf(context, state);
    if (!(socket instanceof Failure) && socket.kind === 'udp') {
      yield* answered(context, socket.connect(null), undefined);
    }
    state.class = 'udp{unconnected}';
    return [1];
  }
  const port = args.text(2);
  const hints = { family: state.family, kind: 'udp', use: 'connect' } as const;
  const failure = yield* inet.tryConnect(context, state, address, port, hints);
  if (failure !== null) return [null, words(failure)];
  state.class = 'udp{connected}';
  return [1];
}

export function getSockName(context: Context, state: UdpState): Op<LocalName> {
  return inet.getSockName(context, state, state.family);
}

export function* getPeerName(context: Context, state: UdpState): Op<PeerName> {
  checkClass(state, 'udp{connected}', 'getpeername');
  return yield* inet.getPeerName(context, state, state.family);
}

export function setOption(context: Context, state: UdpState, values: Values): Op<Done | Failed> {
  return options.setOption(context, state, 'udp', new Args('setoption', values, context.strings));
}

export function getOption(context: Context, state: UdpState, values: Values): Op<OptionResult<unknown>> {
  return options.getOption(context, state, 'udp', new Args('getoption', values, context.strings));
}
