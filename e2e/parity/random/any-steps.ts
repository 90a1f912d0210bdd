/** Random steps on objects of any class: what can be asked and set, select, and calls that must fail. */
import type { Json } from '../scenario.ts';
import { junk, numbers, shortTime } from './arguments.ts';
import { master } from './tcp-made.ts';
import { call, method, ref, type Sock, settle, type World } from './world.ts';

const GETTERS: readonly (readonly [name: string, mask: readonly number[]])[] = [
  ['getsockname', [2]],
  ['getpeername', [2]],
  ['getfamily', []],
  ['getfd', [1]],
  ['dirty', []],
  ['getstats', [3]],
];

/** Any object; makes one where there is none. */
export function some(world: World): Sock {
  if (world.socks.length === 0) master(world);
  return world.find() as Sock;
}

export function getter(world: World): void {
  const [name, mask] = world.dice.pick(GETTERS);
  const args = world.dice.chance(0.9) ? [] : [junk(world.dice)];
  world.step(method(some(world), name, args, mask.length > 0 ? { mask } : {}));
}

export function identity(world: World): void {
  const sock = ref(some(world).id);
  world.step(call(world.dice.pick(['class', 'tostring', 'type']), [sock]));
}

export function stats(world: World): void {
  const { dice } = world;
  const sock = some(world);
  const count = (): Json =>
    dice.weighted<() => Json>([
      [3, () => dice.between(0, 1000)],
      [2, () => null],
      [1, () => dice.pick(numbers)],
      [1, () => junk(dice)],
    ])();
  world.step(method(sock, 'setstats', dice.several(0, 3, count)), method(sock, 'getstats', [], { mask: [3] }));
}

/** Sets time limits of every kind; those that could last for ever are taken back at once. */
export function settimeout(world: World): void {
  const { dice } = world;
  const sock = some(world);
  if (dice.chance(0.6)) {
    const mode = dice.pick<Json[]>([[], [], ['b'], ['t'], ['t'], ['r'], ['total'], ['block'], [null]]);
    world.step(method(sock, 'settimeout', [shortTime(dice), ...mode]));
    return;
  }
  const value = dice.weighted<() => Json>([
    [2, () => null],
    [3, () => dice.pick(numbers)],
    [1, () => junk(dice)],
  ])();
  const mode = dice.weighted<() => Json[]>([
    [2, () => []],
    [2, () => [dice.pick(['', 'x', 'B', 'T', 'tt', 'both'])]],
    [1, () => [junk(dice)]],
  ])();
  world.step(
    method(sock, 'settimeout', [value, ...mode]),
    method(sock, 'settimeout', [null, 't']),
    method(sock, 'settimeout', [shortTime(dice)]),
  );
}

const OPTIONS: readonly string[] = [
  ...['keepalive', 'reuseaddr', 'tcp-nodelay', 'linger', 'error', 'ipv6-v6only'],
  ...[
    'ip-multicast-if',
    'ip-multicast-loop',
    'ip-multicast-ttl',
    'ipv6-unicast-hops',
    'ipv6-multicast-hops',
    'ipv6-multicast-loop',
  ],
  ...['ip-add-membership', 'ip-drop-membership', 'ipv6-add-membership', 'ipv6-drop-membership'],
  ...['', 'keepalive ', 'no such option', 'an option whose name is much longer than what fits', 'Error', 'ke\0ep'],
];
/** What only one of the releases has, or has for one direction or protocol only. */
const DISPUTED: readonly string[] = [
  ...['dontroute', 'broadcast', 'reuseport', 'recv-buffer-size', 'tcp-keepidle', 'bindtodevice'],
];

function option(world: World): Json {
  if (world.dice.chance(0.03)) return junk(world.dice);
  return world.dice.pick(world.rc1 ? [...OPTIONS, ...DISPUTED] : OPTIONS);
}

/** 3.1.0 can read what 3.0-rc1 can only set. */
const readable = (world: World, name: Json): boolean => world.rc1 || (name !== 'reuseaddr' && name !== 'ipv6-v6only');

export function getoption(world: World): void {
  const sock = some(world);
  const name = option(world);
  if (!readable(world, name)) return;
  world.step(method(sock, 'getoption', [name]));
}

function optionValue(world: World, name: Json): Json {
  const { dice } = world;
  if (dice.chance(0.15)) return junk(dice);
  const field = (good: Json): Json => (dice.chance(0.8) ? good : junk(dice));
  switch (name) {
    case 'linger':
      // Not zero beside true: closing would then be a reset that nobody here expects.
      return {
        on: field(dice.pick([true, false])),
        timeout: dice.chance(0.8) ? dice.between(1, 9) : dice.pick<Json>([70_000, '3', -1, 2.5, 'x']),
      };
    case 'ip-multicast-if':
      return dice.pick(['127.0.0.1', '*', '0.0.0.0', 'x', '', '127.1', '203.0.113.77']);
    case 'ip-add-membership':
    case 'ip-drop-membership':
      return {
        multiaddr: field(dice.pick(['239.1.2.3', '239.1.2.4', '127.0.0.1', 'x'])),
        interface: field(dice.pick(['127.0.0.1', '127.0.0.1', 'x'])),
      };
    case 'ipv6-add-membership':
    case 'ipv6-drop-membership':
      return {
        multiaddr: field(dice.pick(['ff02::7', 'ff01::9', '::1', 'x'])),
        interface: field(dice.pick<Json>([1, '1', 99, -1, 'x'])),
      };
    case 'ip-multicast-ttl':
    case 'ipv6-unicast-hops':
    case 'ipv6-multicast-hops':
      return dice.pick<Json>([0, 1, 5, 255, 256, -1, -2, '7', 2.9]);
    default:
      return dice.chance(0.85) ? dice.chance(0.5) : junk(dice);
  }
}

export function setoption(world: World): void {
  const sock = some(world);
  const name = option(world);
  const value = world.dice.chance(0.95) ? [optionValue(world, name)] : [];
  const read = readable(world, name) ? [method(sock, 'getoption', [name])] : [];
  world.step(method(sock, 'setoption', [name, ...value]), ...(world.dice.chance(0.7) ? read : []));
}

function set(world: World): Json {
  const { dice } = world;
  const element = (): Json =>
    dice.weighted<() => Json>([
      [12, () => ref(some(world).id)],
      [1, () => dice.pick(['', 'x'])],
      [1, () => ({ $pairs: [] })],
      [0.5, () => junk(dice)],
    ])();
  const elements = dice.several(0, 5, element);
  return dice.weighted<() => Json>([
    [10, () => elements],
    [2, () => null],
    [1, () => ({ $pairs: elements.map((item, position) => [dice.chance(0.8) ? position + 1 : 'key', item]) })],
    [0.5, () => junk(dice)],
  ])();
}

export function select(world: World): void {
  const { dice } = world;
  const time = dice.pick<Json>([0, 0, 0.01, '0', 0.0004]);
  // With a connection that can be written to, select answers however long it may wait.
  const ready = world.find(({ kind, peer, closed }) => kind === 'client' && peer !== null && !peer.closed && !closed);
  if (ready !== null && dice.chance(0.2)) {
    const forever = dice.pick<Json[]>([[], [null], [-1], [5], [{ $num: 'inf' }]]);
    world.step(call('socket.select', [set(world), [ref(ready.id)], ...forever]));
    return;
  }
  world.step(
    call('socket.select', [set(world), set(world), dice.chance(0.95) ? time : dice.pick<Json>(['x', true, []])]),
  );
}

const METHODS: readonly string[] = [
  ...['accept', 'send', 'sendto', 'getstats', 'setstats', 'getpeername', 'getsockname', 'getfamily', 'dirty', 'getfd'],
  ...[
    'getoption',
    'setoption',
    'shutdown',
    'listen',
    'bind',
    'connect',
    'setpeername',
    'setsockname',
    'settimeout',
    'setfd',
    'nonsense',
  ],
];
/** What may do more than fail, when nonsense happens to make sense, and so is not called without need. */
const HARMFUL: ReadonlySet<string> = new Set([
  'listen',
  'bind',
  'connect',
  'setpeername',
  'setsockname',
  'setfd',
  'settimeout',
  'sendto',
  'setoption',
]);

/** Methods of another class, and with too few arguments or with those of a wrong type. */
export function wrong(world: World): void {
  const { dice } = world;
  const sock = some(world);
  const name = dice.pick(METHODS);
  // Not one of these is a string or a number.
  const types = (): Json => dice.pick<Json>([true, false, null, {}, [], { $do: [] }]);
  if (name === 'accept' || name === 'shutdown') {
    if (sock.kind === 'server' || sock.kind === 'client') {
      getter(world);
      return;
    }
  }
  if (name === 'listen' && sock.kind === 'master') {
    world.step(method(sock, name, [dice.pick<Json>(['x', true, {}, []])]));
    return;
  }
  const args = HARMFUL.has(name) ? dice.several(0, 3, types) : dice.several(0, 3, () => junk(dice));
  // A nil takes a time limit away.
  if (name === 'settimeout' && (args.length === 0 || args[0] === null)) args[0] = true;
  world.step(
    method(sock, name, args, {
      ...(name === 'getstats' ? { mask: [3] } : {}),
      ...(/name$/.test(name) ? { mask: [2] } : {}),
      ...(name === 'getfd' ? { mask: [1] } : {}),
    }),
    settle,
  );
}
