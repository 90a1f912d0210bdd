/** Random steps with TCP: how servers and connections come to be. */
import type { Json, Operation } from '../scenario.ts';
import { junk, numbers } from './arguments.ts';
import {
  anyFamily,
  call,
  collect,
  loopback,
  maker,
  method,
  PATIENT,
  type Sock,
  settle,
  short,
  type World,
} from './world.ts';

export function master(world: World): void {
  const family = anyFamily(world);
  const sock = world.add(world.fresh('m'), 'master', family);
  world.step(call(maker(world, 'tcp', family), [], { id: sock.id }), short(world, sock));
}

/** A host to bind to; those of the other family, or of none, fail. */
function ownHost(world: World, family: 4 | 6): Json {
  return world.dice.weighted<() => Json>([
    [8, () => loopback(family)],
    [2, () => '*'],
    [1, () => (family === 4 ? '0.0.0.0' : '::')],
    [1, () => (family === 4 ? '127.0.0.2' : '::1')],
    [1, () => loopback(family === 4 ? 6 : 4)],
    [1, () => world.dice.pick(['', '127.1', '1.2.3', '127.0.0.1\0x', ':::', 'fe80::zz'])],
  ])();
}

function ownPort(world: World): Json {
  return world.dice.weighted<() => Json>([
    [8, () => 0],
    [2, () => world.dice.pick<Json>(['0', '', ' 0', 65536, '65536', '00'])],
    [1, () => world.dice.pick<Json>(['x', '-1', 0.5, '0x0', -1, '0 '])],
  ])();
}

export function bind(world: World): void {
  const sock = world.find(({ kind, closed }) => kind === 'master' && (world.rc1 || !closed));
  if (sock === null) {
    master(world);
    return;
  }
  const other = world.find(({ name, family }) => name !== null && family === sock.family);
  const port = other !== null && world.dice.chance(0.2) ? world.port(other) : ownPort(world);
  const name = world.dice.pick(['bind', 'bind', 'setsockname']);
  sock.used = true;
  sock.closed = false;
  world.step(method(sock, name, [ownHost(world, sock.family), port]), short(world, sock), world.named(sock));
}

export function listen(world: World): void {
  const sock = world.find(({ kind, closed }) => kind === 'master' && !closed);
  if (sock === null) {
    server(world);
    return;
  }
  const args = world.dice.weighted<Json[]>([
    [3, []],
    [3, [world.dice.between(5, 50)]],
    [2, [world.dice.pick(numbers)]],
    [1, [junk(world.dice)]],
  ]);
  const [backlog] = args;
  sock.roomy =
    args.length === 0 || (typeof backlog === 'number' && Number.isInteger(backlog) && backlog >= 5 && backlog < 1000);
  sock.kind = 'server';
  sock.used = true;
  world.step(method(sock, 'listen', args), method(sock, 'getsockname', [], { mask: [1, 2] }));
}

export function server(world: World): void {
  const family = anyFamily(world);
  const sock = world.add(world.fresh('s'), 'server', family);
  sock.used = sock.roomy = true;
  const made: Operation[] = world.dice.chance(0.5)
    ? [
        call('socket.bind', [loopback(family), 0, ...(world.dice.chance(0.5) ? [world.dice.between(5, 60)] : [])], {
          id: sock.id,
        }),
      ]
    : [
        call(maker(world, 'tcp', family), [], { id: sock.id }),
        method(sock, 'bind', [loopback(family), 0]),
        method(sock, 'listen'),
      ];
  world.step(...made, short(world, sock), world.named(sock));
}

/** A server with room in its queue, of which less than `waiting` is used. */
export function serverFor(world: World, waiting: number): Sock | null {
  return world.find(
    ({ kind, closed, roomy, name, queue }) =>
      kind === 'server' && !closed && roomy && name !== null && queue.length < waiting,
  );
}

/** A connection to a server of the scenario. */
export function connection(world: World): void {
  const target = serverFor(world, 4);
  if (target === null) {
    server(world);
    return;
  }
  const { dice } = world;
  const id = world.fresh('c');
  const address: Json[] = [loopback(target.family), world.port(target)];
  const client = world.add(id, 'client', target.family);
  client.used = true;
  const family = target.family === 4 ? 'inet' : 'inet6';
  const made = dice.weighted<() => Operation[]>([
    [3, () => [call('socket.connect', address, { id })]],
    [1, () => [call('socket.connect', [...address, null, null, dice.pick([family, 'unspec'])], { id })]],
    [1, () => [call('socket.connect', [...address, loopback(target.family), dice.pick<Json>([0, '0', null])], { id })]],
    [1, () => [call(target.family === 4 ? 'socket.connect4' : 'socket.connect6', address, { id })]],
    [
      3,
      () => {
        const now = dice.chance(0.3);
        const object = { id };
        return [
          call(maker(world, 'tcp', target.family), [], { id }),
          ...(dice.chance(0.2) ? [method(object, 'bind', [loopback(target.family), 0])] : []),
          method(object, 'settimeout', [now ? 0 : PATIENT]),
          method(object, dice.pick(['connect', 'connect', 'setpeername']), address),
          ...(now ? [settle, ...(dice.chance(0.5) ? [method(object, 'connect', address)] : [])] : []),
        ];
      },
    ],
  ])();
  target.queue.push(client);
  world.step(...made, short(world, client), settle);
  if (dice.chance(0.8)) accept(world, target);
}

export function accept(
  world: World,
  from: Sock | null = world.find(({ kind, closed }) => kind === 'server' && !closed),
): void {
  if (from === null) {
    connection(world);
    return;
  }
  const id = world.fresh('a');
  const waiting = from.queue.shift();
  if (waiting === undefined) {
    world.step(method(from, 'accept', [], { id }));
    return;
  }
  const accepted = world.add(id, 'client', from.family);
  accepted.used = true;
  if (!waiting.closed && !waiting.parted) {
    accepted.peer = waiting;
    waiting.peer = accepted;
  }
  const args = world.dice.chance(0.9) ? [] : [junk(world.dice)];
  world.step(method(from, 'accept', args, { id }), short(world, accepted));
}

/** To where nobody listens; blocking, since a refusal that comes later is told by another call than LuaSocket's. */
export function refused(world: World): void {
  const { dice } = world;
  const family = anyFamily(world);
  const id = world.fresh('c');
  const held = world.find(
    (sock) => sock.kind === 'master' && sock.name !== null && !sock.closed && sock.family === family,
  );
  const port = held === null ? dice.pick<Json>([0, 1, '1', 65537, '', ' 1']) : world.port(held);
  const host = dice.weighted<Json>([
    [6, loopback(family)],
    [1, family === 4 ? '127.1' : '0:0::1'],
    [1, dice.pick(['', '127.0.0.1 ', 'a b', '::g'])],
  ]);
  if (dice.chance(0.3)) {
    world.step(call('socket.connect', [host, port], { id }), collect);
    return;
  }
  const sock = world.add(id, 'client', family);
  sock.used = true;
  world.step(
    call(maker(world, 'tcp', family), [], { id }),
    method(sock, 'settimeout', [PATIENT]),
    method(sock, 'connect', [host, dice.chance(0.9) ? port : dice.pick<Json>(['x', '-1', 0.5, 'no such service'])]),
    short(world, sock),
  );
}

/** Connects an object that may be anything already. */
export function connectAgain(world: World): void {
  const { dice } = world;
  const sock = world.find(
    ({ kind, closed }) => kind !== 'udp' && kind !== 'connected' && kind !== 'server' && (world.rc1 || !closed),
  );
  const target = serverFor(world, 4);
  if (sock === null || target === null) {
    connection(world);
    return;
  }
  const fresh = sock.kind === 'master' && !sock.closed && sock.family === target.family;
  sock.kind = 'client';
  sock.used = true;
  if (fresh) target.queue.push(sock);
  world.step(
    method(sock, 'settimeout', [PATIENT]),
    method(sock, 'settimeout', [null, 't']),
    method(sock, dice.pick(['connect', 'setpeername']), [loopback(target.family), world.port(target)]),
    short(world, sock),
    settle,
  );
}
