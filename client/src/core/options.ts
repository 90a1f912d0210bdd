/**
 * Socket options: their names, by protocol and direction, and the checks of their values. options.c, and the tables of
 * tcp.c and udp.c. What an option does is the relay's business; it gets values in one plain form.
 */
import { parseAddress } from '@luasocket-web/shared/address';
import { type OutcomeCode, words } from '@luasocket-web/shared/errors';
import type { OptionValue } from '@luasocket-web/shared/frames';
import type { Args } from './args.ts';
import { aton } from './aton.ts';
import { Failure } from './channel.ts';
import { answered, type Context, fence, granted } from './context.ts';
import { isNil, numberText, parseNumber, toInt } from './lua.ts';
import type { Op } from './op.ts';
import type { Done, Failed } from './results.ts';
import { type Holder, IO_TIMEOUT, refusalOf, slotOf, strerror } from './usocket.ts';

/** Takes the value from the arguments (it is the second), or raises. */
type Check = (args: Args) => OptionValue;
/** Makes the answer of the relay LuaSocket's value. */
type Shape = (value: OptionValue) => unknown;

const boolean: Check = (args) => args.boolean(2);
/** lua_tonumber without a check: what is no number is 0. */
const integer: Check = (args) => toInt(args.numeric(2) ?? 0);

const linger: Check = (args) => {
  const field = args.table(2);
  const on = field('on');
  if (typeof on !== 'boolean') return args.fail(2, "boolean 'on' field expected");
  const timeout = numeric(field('timeout'));
  if (timeout === null) return args.fail(2, "number 'timeout' field expected");
  return { on, timeout: toInt(timeout) & 0xffff };
};

const multicastInterface: Check = (args) => {
  const text = args.text(2);
  return text === '*' ? '0.0.0.0' : (aton(text) ?? args.fail(2, 'ip expected'));
};

const membership: Check = (args) => {
  const field = args.table(2);
  const multiaddr = textual(field('multiaddr')) ?? args.fail(2, "string 'multiaddr' field expected");
  const group = aton(multiaddr) ?? args.fail(2, "invalid 'multiaddr' ip address");
  const name = textual(field('interface')) ?? args.fail(2, "string 'interface' field expected");
  const address = name === '*' ? '0.0.0.0' : (aton(name) ?? args.fail(2, "invalid 'interface' ip address"));
  return { multiaddr: group, interface: address };
};

const membership6: Check = (args) => {
  const field = args.table(2);
  const multiaddr = textual(field('multiaddr')) ?? args.fail(2, "string 'multiaddr' field expected");
  const group = parseAddress(multiaddr);
  if (group?.family !== 6) return args.fail(2, "invalid 'multiaddr' ip address");
  const index = field('interface');
  if (isNil(index)) return { multiaddr: group.address, interface: 0 };
  // LuaSocket names the argument by its place on the stack, -1, less one for the object.
  const number = numeric(index) ?? args.fail(-2, "number 'interface' field expected");
  return { multiaddr: group.address, interface: toInt(number) };
};

const SET = {
  tcp: {
    keepalive: boolean,
    reuseaddr: boolean,
    'tcp-nodelay': boolean,
    'ipv6-v6only': boolean,
    linger,
  },
  udp: {
    dontroute: boolean,
    broadcast: boolean,
    reuseaddr: boolean,
    reuseport: boolean,
    'ip-multicast-if': multicastInterface,
    'ip-multicast-ttl': integer,
    'ip-multicast-loop': boolean,
    'ip-add-membership': membership,
    'ip-drop-membership': membership,
    'ipv6-unicast-hops': integer,
    'ipv6-multicast-hops': integer,
    'ipv6-multicast-loop': boolean,
    'ipv6-add-membership': membership6,
    'ipv6-drop-membership': membership6,
    'ipv6-v6only': boolean,
  },
} as const satisfies { readonly [kind: string]: { readonly [name: string]: Check } };

const asIs: Shape = (value) => value;
const truth: Shape = (value) => Boolean(value);

const GET = {
  tcp: { keepalive: truth, reuseaddr: truth, 'tcp-nodelay': truth, linger: asIs, error: asIs },
  udp: {
    'ip-multicast-if': asIs,
    'ip-multicast-loop': truth,
    error: asIs,
    'ipv6-unicast-hops': asIs,
    'ipv6-multicast-hops': asIs,
    'ipv6-multicast-loop': truth,
    'ipv6-v6only': truth,
  },
} as const satisfies { readonly [kind: string]: { readonly [name: string]: Shape } };

/** LuaSocket's table has the unicast option under the name of the multicast one. */
function systemName(name: string): string {
  return name === 'ipv6-multicast-hops' ? 'ipv6-unicast-hops' : name;
}

function entry<T>(table: { readonly [name: string]: T }, args: Args): [name: string, entry: T] {
  const name = args.text(1);
  const found = Object.hasOwn(table, name) ? table[name] : undefined;
  return [name, found ?? args.fail(1, `unsupported option \`${[...name].slice(0, 35).join('')}'`)];
}

/** object:setoption(name, value) */
export function* setOption(context: Context, holder: Holder, kind: 'tcp' | 'udp', args: Args): Op<Done | Failed> {
  const [name, check] = entry<Check>(SET[kind], args);
  const value = check(args);
  const refusal = refusalOf(context, holder);
  if (refusal !== null) return [null, words(refusal)];
  const slot = slotOf(context, holder);
  if (slot instanceof Failure) return [null, optionWords(slot, 'SETSOCKOPT')];
  const option = systemName(name);
  const pending = slot.socket.setOption(option, value);
  if (context.patience === 'never') slot.options.set(option, value, pending);
  const done = yield* granted(context, slot, pending, undefined, (failure) => optionFailure(failure, 'SETSOCKOPT'));
  return done instanceof Failure ? [null, optionWords(done, 'SETSOCKOPT')] : [1];
}

/** object:getoption(name) */
export function* getOption(
  context: Context,
  holder: Holder,
  kind: 'tcp' | 'udp',
  args: Args,
): Op<[value: unknown] | Failed> {
  const [name, shape] = entry<Shape>(GET[kind], args);
  const refusal = refusalOf(context, holder);
  if (refusal !== null) return name === 'error' ? [words(refusal)] : [null, words(refusal)];
  const slot = slotOf(context, holder);
  if (slot instanceof Failure) return [null, optionWords(slot, 'GETSOCKOPT')];
  const { socket } = slot;
  if (name === 'error') {
    let failure = socket.takeError();
    if (failure === null && (yield* fence(context, [socket], () => false))) failure = socket.takeError();
    return [failure === null ? null : strerror(failure)];
  }
  const option = systemName(name);
  const value =
    context.patience === 'never'
      ? slot.options.get(option, () => socket.getOption(option))
      : yield* answered(context, socket.getOption(option), IO_TIMEOUT);
  return value instanceof Failure ? [null, optionWords(value, 'GETSOCKOPT')] : [shape(value)];
}

/** LuaSocket says one thing for whatever errno was; only what the relay itself refuses, or its loss, has words of its own. */
function optionWords(failure: Failure, otherwise: OutcomeCode): string {
  return words(optionFailure(failure, otherwise));
}

function optionFailure(failure: Failure, otherwise: OutcomeCode): Failure {
  const own = failure.code === 'EACCES' || failure.code === 'CLOSED' || failure === IO_TIMEOUT;
  return own ? failure : new Failure(otherwise);
}

/** lua_isnumber on a field. */
function numeric(value: unknown): number | null {
  if (typeof value === 'string') return parseNumber(value);
  return typeof value === 'number' ? value : null;
}

/** lua_isstring on a field. */
function textual(value: unknown): string | null {
  if (typeof value === 'number') return numberText(value);
  return typeof value === 'string' ? value : null;
}
