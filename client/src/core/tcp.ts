/** TCP objects: tcp.c. Each function is one method, or a function of the library that makes an object. */
import { words } from '@luasocket-web/shared/errors';
import { Args } from './args.ts';
import * as buffer from './buffer.ts';
import { Failure, type Family } from './channel.ts';
import { type Context, granted } from './context.ts';
import { INVALID } from './descriptors.ts';
import * as inet from './inet.ts';
import { toInt } from './lua.ts';
import type { Op } from './op.ts';
import * as options from './options.ts';
import { ReadBuffer } from './readbuffer.ts';
import type { Done, Failed, LocalName, OptionResult, PeerName, ReceiveResult, SendResult, Stats } from './results.ts';
import { checkClass, type TcpState } from './state.ts';
import { Timeout } from './timeout.ts';
import * as usocket from './usocket.ts';

type Values = readonly unknown[];

function newState(context: Context, descriptor: number, family: Family | 0, class_: TcpState['class']): TcpState {
  return {
    class: class_,
    descriptor,
    family,
    timeout: new Timeout(),
    buffer: new ReadBuffer(),
    received: 0,
    sent: 0,
    birthday: context.channel.now(),
    deaf: false,
  };
}

/** socket.tcp(), socket.tcp6() */
export function create(context: Context, family: Family): TcpState | Failure {
  const descriptor = inet.create(context, 'tcp', family);
  return descriptor instanceof Failure ? descriptor : newState(context, descriptor, family, 'tcp{master}');
}

const FAMILIES = { unspec: 0, inet: 4, inet6: 6 } as const;

/** socket.connect(address, port, locaddr, locport, family) */
export function* open(context: Context, values: Values): Op<[client: TcpState] | Failed> {
  const args = new Args('connect', values, context.strings);
  const remote = args.text(1);
  const service = args.text(2);
  const local = args.optText(3, null);
  const localService = args.optText(4, '0');
  const wanted = FAMILIES[args.option(5, 'unspec', ['unspec', 'inet', 'inet6'])];
  const state = newState(context, INVALID, 0, 'tcp{client}');
  let family: Family | 0 = wanted;
  if (local !== null) {
    const tried = yield* inet.tryBind(context, state, local, localService, { family, kind: 'tcp', use: 'bind' });
    if (tried instanceof Failure) return [null, words(tried)];
    family = tried.family;
    state.family = family;
  }
  const failure = yield* inet.tryConnect(context, state, remote, service, { family, kind: 'tcp', use: 'connect' });
  if (failure === null || (context.patience === 'never' && failure === usocket.IO_TIMEOUT)) return [state];
  context.descriptors.close(state.descriptor);
  return [null, words(failure)];
}

export function* accept(context: Context, state: TcpState): Op<[client: TcpState] | Failed> {
  checkClass(state, 'tcp{server}', 'accept');
  state.timeout.markStart(context.channel.now());
  const stream = yield* usocket.accept(context, state, state.timeout);
  const descriptor = stream instanceof Failure ? stream : context.descriptors.open(stream);
  if (descriptor instanceof Failure) return [null, words(descriptor)];
  return [newState(context, descriptor, state.family, 'tcp{client}')];
}

/** Also setsockname; `method` is the name it was called by. */
export function* bind(context: Context, state: TcpState, values: Values, method = 'bind'): Op<Done | Failed> {
  checkClass(state, 'tcp{master}', method);
  const args = new Args(method, values, context.strings);
  const address = args.text(1);
  const port = args.text(2);
  const hints = { family: state.family, kind: 'tcp', use: 'bind' } as const;
  const tried = yield* inet.tryBind(context, state, address, port, hints);
  return tried instanceof Failure ? [null, words(tried)] : [1];
}

/** Also setpeername. */
export function* connect(context: Context, state: TcpState, values: Values, method = 'connect'): Op<Done | Failed> {
  const args = new Args(method, values, context.strings);
  const address = args.text(1);
  const port = args.text(2);
  const hints = { family: state.family, kind: 'tcp', use: 'connect' } as const;
  const failure = yield* inet.tryConnect(context, state, address, port, hints);
  // Whatever came of it: a connect that nobody waited for may still succeed.
  state.class = 'tcp{client}';
  return failure === null ? [1] : [null, usocket.strerror(failure)];
}

export function* listen(context: Context, state: TcpState, values: Values): Op<Done | Failed> {
  checkClass(state, 'tcp{master}', 'listen');
  const backlog = toInt(new Args('listen', values, context.strings).optNumber(1, 32));
  const refusal = usocket.refusalOf(context, state);
  if (refusal !== null) return [null, words(refusal)];
  const slot = usocket.slotOf(context, state);
  if (slot instanceof Failure) return [null, words(slot)];
  const { socket } = slot;
  if (socket.kind === 'udp') return [null, words(new Failure('EOPNOTSUPP'))];
  const done = yield* granted(context, slot, socket.listen(backlog), undefined);
  if (done instanceof Failure) return [null, words(done)];
  state.class = 'tcp{server}';
  return [1];
}

/** What receive answers at once; null when the operation has to look. */
export function receiveIdle<B>(context: Context<B>, state: TcpState, values: Values): ReceiveResult<B> | null {
  return state.class === 'tcp{client}' ? buffer.idle(context, state, values) : null;
}

export function* receive<B>(context: Context<B>, state: TcpState, values: Values): Op<ReceiveResult<B>> {
  checkClass(state, 'tcp{client}', 'receive');
  return yield* buffer.receive(context, state, new Args('receive', values, context.strings));
}

export function* send(context: Context, state: TcpState, values: Values): Op<SendResult> {
  checkClass(state, 'tcp{client}', 'send');
  return yield* buffer.send(context, state, new Args('send', values, context.strings));
}

export function shutdown(context: Context, state: TcpState, values: Values): [1] {
  checkClass(state, 'tcp{client}', 'shutdown');
  const args = new Args('shutdown', values, context.strings);
  const how = args.option(1, 'both', ['receive', 'send', 'both']);
  const socket = usocket.socketOf(context, state);
  if (!(socket instanceof Failure) && socket.kind === 'tcp') {
    socket.shutdown(how);
    if (how !== 'send') state.deaf = true;
  }
  return [1];
}

export function getStats(context: Context, state: TcpState): Stats {
  checkClass(state, 'tcp{client}', 'getstats');
  return buffer.getStats(context, state);
}

export function setStats(context: Context, state: TcpState, values: Values): [1] {
  checkClass(state, 'tcp{client}', 'setstats');
  return buffer.setStats(context, state, new Args('setstats', values, context.strings));
}

export function dirty(_context: Context, state: TcpState): boolean {
  return !state.buffer.isEmpty;
}

export function getSockName(context: Context, state: TcpState): Op<LocalName> {
  return inet.getSockName(context, state, state.family);
}

export function getPeerName(context: Context, state: TcpState): Op<PeerName> {
  return inet.getPeerName(context, state, state.family);
}

export function setOption(context: Context, state: TcpState, values: Values): Op<Done | Failed> {
  return options.setOption(context, state, 'tcp', new Args('setoption', values, context.strings));
}

export function getOption(context: Context, state: TcpState, values: Values): Op<OptionResult<unknown>> {
  return options.getOption(context, state, 'tcp', new Args('getoption', values, context.strings));
}
