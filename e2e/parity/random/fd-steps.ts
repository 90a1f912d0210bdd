/** Random steps with setfd. */
import type { Json, Operation } from '../scenario.ts';
import { getter, some } from './any-steps.ts';
import { call, type Kind, method, ref, settle, type World } from './world.ts';

/** Descriptors are taken away, given back and shared. */
export function setfd(world: World): void {
  const { dice } = world;
  if (!world.rc1) {
    getter(world);
    return;
  }
  const sock = some(world);
  const kept = world.fresh('d');
  const bad: Json = dice.pick<Json>([-1, '-1', 5000, -2, 1e9]);
  const away = dice.several(1, 3, () =>
    dice.pick<Operation>([
      method(sock, 'getfd', [], { mask: [1] }),
      method(sock, 'getsockname', [], { mask: [2] }),
      method(sock, 'receive', [dice.between(1, 5)]),
      method(sock, 'send', ['x']),
      method(sock, 'dirty'),
      method(sock, 'getpeername', [], { mask: [2] }),
      method(sock, 'getoption', ['error']),
      method(sock, 'setoption', ['reuseaddr', true]),
      call('socket.select', [[ref(sock.id)], [ref(sock.id)], 0]),
    ]),
  );
  world.step(
    method(sock, 'getfd', [], { id: kept, mask: [1] }),
    method(sock, 'setfd', [dice.chance(0.85) ? bad : dice.pick<Json>([null, 'x', [], true])]),
    // What a datagram causes is told by the call after the news.
    ...away.flatMap((operation) => (operation.call === 'send' ? [operation, settle] : [operation])),
    method(sock, 'setfd', [ref(kept)]),
    settle,
  );
}

/** Two objects on one descriptor, each with its own buffer and class. */
export function share(world: World): void {
  const { dice } = world;
  const sock = some(world);
  const protocol = (kind: Kind): boolean => kind === 'udp' || kind === 'connected';
  const other = world.find(({ id, kind }) => id !== sock.id && protocol(kind) === protocol(sock.kind));
  if (!world.rc1 || other === null) {
    getter(world);
    return;
  }
  const [kept, taken] = [world.fresh('d'), world.fresh('d')];
  const uses = dice.several(1, 5, () => {
    const user = dice.pick([sock, other]);
    return dice.pick<Operation[]>([
      [method(user, 'getsockname', [], { mask: [2] })],
      [method(user, 'getpeername', [], { mask: [2] })],
      [method(user, 'receive', [dice.between(1, 5)])],
      [method(user, 'receive', [dice.between(1, 5)])],
      [method(user, 'send', ['shared\n']), settle],
      [method(user, 'dirty')],
      [method(user, 'setoption', ['reuseaddr', dice.chance(0.5)])],
      [call('socket.select', [[ref(sock.id), ref(other.id)], [ref(other.id), ref(sock.id)], 0])],
    ]);
  });
  world.step(
    method(sock, 'getfd', [], { id: kept, mask: [1] }),
    method(other, 'getfd', [], { id: taken, mask: [1] }),
    method(sock, 'setfd', [ref(taken)]),
    ...uses.flat(),
    method(sock, 'setfd', [ref(kept)]),
  );
}
