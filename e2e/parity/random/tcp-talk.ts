/** Random steps on TCP connections: what is said on them, and how they end. */
import type { Json, Operation } from '../scenario.ts';
import { bytes, junk, pattern, payload, place } from './arguments.ts';
import { connection, server, serverFor } from './tcp-made.ts';
import { call, loopback, MOST_UNDERWAY, method, PATIENT, ref, type Sock, settle, short, type World } from './world.ts';

export function send(world: World): void {
  const { dice } = world;
  const sock = world.find(({ kind, underway }) => kind === 'client' && underway < MOST_UNDERWAY) ?? world.find();
  if (sock === null) {
    connection(world);
    return;
  }
  const data = dice.chance(0.95) ? payload(dice) : junk(dice);
  sock.underway += 8000;
  const args = dice.weighted<() => Json[]>([
    [6, () => [data]],
    [2, () => [data, place(dice)]],
    [3, () => [data, place(dice), place(dice)]],
    [0.2, () => []],
  ])();
  world.step(method(sock, 'send', args), settle);
}

export function receive(world: World): void {
  const sock =
    world.find(({ kind }) => kind === 'client') ?? world.find(({ kind }) => kind !== 'udp' && kind !== 'connected');
  if (sock === null) {
    connection(world);
    return;
  }
  const dirty = world.dice.chance(0.3) ? [method(sock, 'dirty')] : [];
  world.step(method(sock, 'receive', pattern(world.dice)), ...dirty);
}

/** Both ends talk without a pause; each call waits until it has what it wants. */
export function conversation(world: World): void {
  const { dice } = world;
  const target = serverFor(world, 1);
  if (target === null) {
    server(world);
    return;
  }
  const client = world.add(world.fresh('c'), 'client', target.family);
  const accepted = world.add(world.fresh('a'), 'client', target.family);
  client.used = accepted.used = true;
  client.peer = accepted;
  accepted.peer = client;
  const talk: Operation[] = [];
  for (let turn = dice.between(1, 5); turn > 0; turn--) {
    const [from, to] = dice.chance(0.5) ? [client, accepted] : [accepted, client];
    const long = dice.chance(0.1) ? bytes(dice).repeat(dice.between(100, 1500)) : '';
    const parts = [...dice.several(1, 4, () => bytes(dice)), long];
    for (const part of parts) talk.push(method(from, 'send', [part]));
    const text = parts.join('');
    let left = text.length;
    while (left > 0) {
      // Few steps, however much it is.
      const count = dice.chance(0.3) ? left : dice.between(1, left);
      talk.push(method(to, 'receive', [count]));
      left -= count;
    }
  }
  world.step(
    method(target, 'settimeout', [PATIENT]),
    call('socket.connect', [loopback(target.family), world.port(target)], { id: client.id }),
    method(target, 'accept', [], { id: accepted.id }),
    method(client, 'settimeout', [PATIENT]),
    method(accepted, 'settimeout', [PATIENT]),
    ...talk,
    short(world, client),
    short(world, accepted),
    short(world, target),
  );
}

export function shutdown(world: World): void {
  const { dice } = world;
  const sock = world.find(({ kind, used }) => kind === 'client' && used) ?? world.find(({ kind }) => kind !== 'server');
  if (sock === null) {
    connection(world);
    return;
  }
  const args = dice.weighted<Json[]>([
    [4, ['send']],
    [2, ['receive']],
    [2, ['both']],
    [1, []],
    [1, [junk(dice)]],
  ]);
  world.part(sock);
  sock.shut = true;
  world.step(method(sock, 'shutdown', args), settle);
}

/** close will reset the connection. */
const resetting = (sock: Sock): Operation => method(sock, 'setoption', ['linger', { on: true, timeout: 0 }]);

/** Leaves nothing unread: a reset after the end of what was sent is noticed by whoever sends next, not before. */
const drain = (sock: Sock): Operation[] => [method(sock, 'settimeout', [0]), method(sock, 'receive', ['*a'])];

export function close(world: World): void {
  const { dice } = world;
  const sock = world.find();
  if (sock === null) {
    connection(world);
    return;
  }
  const before = sock.kind !== 'client' ? [] : sock.shut ? drain(sock) : dice.chance(0.3) ? [resetting(sock)] : [];
  world.part(sock);
  sock.closed = true;
  sock.name = null;
  world.step(...before, method(sock, 'close', dice.chance(0.9) ? [] : [junk(dice)]), settle);
}

/** Sources and sinks on a fresh connection. */
export function stream(world: World): void {
  const { dice } = world;
  const sock = world.find(({ kind }) => kind === 'client');
  if (sock === null) {
    connection(world);
    return;
  }
  const id = world.fresh('f');
  if (dice.chance(0.5)) {
    const ends = dice.pick<Json[]>([['keep-open'], ['keep-open'], ['close-when-done'], ['default'], ['bogus'], []]);
    const given = dice.several<Json>(1, 4, () => dice.pick<Json>([bytes(dice), bytes(dice), '', null]));
    world.part(sock);
    sock.closed = true;
    world.step(
      call('socket.sink', [...ends, ref(sock.id)], { id }),
      ...given.flatMap((data) => [call(id, [data, ...(dice.chance(0.1) ? ['some error'] : [])]), settle]),
      method({ id }, 'dirty'),
    );
    return;
  }
  const source: Json[] = dice.weighted<() => Json[]>([
    [3, () => ['until-closed', ref(sock.id)]],
    [3, () => ['by-length', ref(sock.id), dice.pick<Json>([0, 1, 5, 4000, -1, '3', 2.5])]],
    [1, () => [ref(sock.id)]],
    [1, () => ['http-chunked', ref(sock.id)]],
  ])();
  world.part(sock);
  sock.closed = true;
  world.step(
    call('socket.source', source, { id }),
    ...dice.several(1, 4, () => call(id)),
    settle,
    method({ id }, 'dirty'),
  );
}
