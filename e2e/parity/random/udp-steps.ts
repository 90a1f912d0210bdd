/** Random steps with UDP. */
import type { Json } from '../scenario.ts';
import { junk, numbers, payload, shortTime } from './arguments.ts';
import { anyFamily, call, loopback, maker, method, type Sock, settle, short, type World } from './world.ts';

/** A port where nobody listens. */
const NOBODY = 1;

const isUdp = ({ kind }: Sock): boolean => kind === 'udp' || kind === 'connected';

export function udp(world: World): void {
  const family = anyFamily(world);
  const sock = world.add(world.fresh('u'), 'udp', family);
  const bound = world.dice.chance(0.7);
  sock.used = bound;
  world.step(
    call(maker(world, 'udp', family), [], { id: sock.id }),
    short(world, sock),
    ...(bound
      ? [method(sock, 'setsockname', [world.dice.chance(0.8) ? loopback(family) : '*', 0]), world.named(sock)]
      : []),
  );
}

function anyUdp(world: World, fits: (sock: Sock) => boolean = () => true): Sock | null {
  return world.find((sock) => isUdp(sock) && (world.rc1 || !sock.closed) && fits(sock));
}

export function setsockname(world: World): void {
  const sock = anyUdp(world);
  if (sock === null) {
    udp(world);
    return;
  }
  const { dice } = world;
  const host = dice.weighted<Json>([
    [6, loopback(sock.family)],
    [2, '*'],
    [1, loopback(sock.family === 4 ? 6 : 4)],
    [1, dice.pick(['', '127.1', 'a b'])],
  ]);
  const taken = world.find(({ name, family }) => name !== null && family === sock.family);
  const port = taken !== null && dice.chance(0.2) ? world.port(taken) : dice.pick<Json>([0, '0', 65536, 'x', '']);
  sock.used = true;
  world.step(method(sock, 'setsockname', [host, port]), method(sock, 'getsockname', [], { mask: [2] }));
}

/** Who gets a datagram: another socket, or nobody. */
function destination(world: World, family: 4 | 6): [host: Json, port: Json] {
  const target = world.find((sock) => isUdp(sock) && sock.name !== null && sock.family === family);
  if (target !== null && world.dice.chance(0.85)) return [loopback(family), world.port(target)];
  return [loopback(family), NOBODY];
}

export function sendto(world: World): void {
  const sock = anyUdp(world, ({ kind }) => kind === 'udp');
  if (sock === null) {
    udp(world);
    return;
  }
  const { dice } = world;
  const [host, port] = destination(world, sock.family);
  const args: Json[] = dice.weighted<() => Json[]>([
    [12, () => [payload(dice), host, port]],
    [
      1,
      () => [
        payload(dice),
        dice.pick<Json>(['', '*', 'localhost', 'a b', '127.1', '127.0.1', '::g', 2130706433]),
        port,
      ],
    ],
    [1, () => [payload(dice), host, dice.pick<Json>([0, '0', 'x', 'http', -1, 0.5, '', 65536])]],
    [1, () => [junk(dice), host, port]],
    [1, () => dice.several(0, 2, () => junk(dice))],
  ])();
  world.step(method(sock, 'sendto', args), settle);
}

export function sendConnected(world: World): void {
  const sock = anyUdp(world, ({ kind }) => kind === 'connected') ?? anyUdp(world);
  if (sock === null) {
    udp(world);
    return;
  }
  const { dice } = world;
  world.step(method(sock, 'send', dice.chance(0.9) ? [payload(dice)] : dice.several(0, 3, () => junk(dice))), settle);
}

function size(world: World): Json[] {
  const { dice } = world;
  const usual = [0, 1, 3, 100, 8192, 2.5, '2'];
  return dice.weighted<() => Json[]>([
    [5, () => []],
    [3, () => [dice.pick<Json>(usual)]],
    [1, () => [world.rc1 ? dice.pick(numbers) : dice.pick<Json>(usual)]],
    [1, () => [dice.pick<Json>([null, '*a', '*l', true, [], 'x'])]],
  ])();
}

export function receiveDatagram(world: World): void {
  const sock = world.find(isUdp);
  if (sock === null) {
    udp(world);
    return;
  }
  world.step(method(sock, 'receive', size(world)));
}

export function receivefrom(world: World): void {
  // What a closed object says to receivefrom is whatever is in memory.
  const sock = world.find((candidate) => isUdp(candidate) && !candidate.closed);
  if (sock === null) {
    udp(world);
    return;
  }
  world.step(method(sock, 'receivefrom', size(world), { mask: [3] }));
}

export function setpeername(world: World): void {
  const sock = anyUdp(world);
  if (sock === null) {
    udp(world);
    return;
  }
  const { dice } = world;
  const args = dice.weighted<() => Json[]>([
    [6, () => destination(world, sock.family)],
    [2, () => ['*']],
    [1, () => ['*', dice.pick(numbers)]],
    [1, () => [loopback(sock.family === 4 ? 6 : 4), NOBODY]],
    [1, () => [dice.pick<Json>(['', 'a b', '::g', '127.1']), dice.pick<Json>([1, 'x', 0, '1'])]],
    // Not one of these is a name that a name server could be asked for.
    [1, () => dice.several(0, 2, () => dice.pick<Json>([true, null, {}, []]))],
  ])();
  // The kernel takes back an address that it chose itself.
  if (args[0] === '*') sock.name = null;
  sock.kind = args[0] === '*' ? 'udp' : 'connected';
  sock.used = true;
  world.step(
    method(sock, 'setpeername', args),
    method(sock, 'settimeout', [shortTime(dice)]),
    call('class', [{ $ref: sock.id }]),
    method(sock, 'getsockname', [], { mask: [2] }),
  );
}
