/** Random steps with the functions that need no socket. */
import type { Json, Operation } from '../scenario.ts';
import { junk, numbers } from './arguments.ts';
import { call, collect, doing, method, ref, type World } from './world.ts';

export function skip(world: World): void {
  const { dice } = world;
  // Below -1 it answers what happens to be in memory.
  const count = dice.pick<Json>([0, 1, 2, 3, 9, -1, '1', '0x2', 1.9, -0.5, 'x', null, true, {}]);
  world.step(call('socket.skip', [count, ...dice.several(0, 4, () => junk(dice))]));
}

export function sleep(world: World): void {
  world.step(
    call('socket.sleep', [
      world.dice.pick<Json>([0, 0.001, '0.001', -1, -0.5, { $num: '-inf' }, 'x', null, true, 1e-12]),
    ]),
  );
}

/** Addresses and names that no name server is asked for. */
const HOSTS: readonly Json[] = [
  ...[
    '127.0.0.1',
    '::1',
    'localhost',
    '0x7f.1',
    '127.1',
    '',
    '1',
    '017.0.0.1',
    '0.0.0.0',
    '::',
    '::ffff:127.0.0.1',
    '[::1]',
  ],
  ...[1, 2130706433, 127.1, null, true, {}],
];

export function dns(world: World): void {
  const { dice } = world;
  const host = dice.pick(HOSTS);
  const alias: Partial<Operation> = { maskmap: ['alias'] };
  world.step(
    dice.weighted<() => Operation>([
      [2, () => call('socket.dns.toip', [dice.pick<Json>(['127.0.0.1', 'localhost', '::1', null, true, {}])], alias)],
      [
        2,
        () =>
          call('socket.dns.tohostname', [dice.pick<Json>(['127.0.0.1', 'localhost', '::1', null, true, {}])], alias),
      ],
      [3, () => call('socket.dns.getaddrinfo', [host])],
      [
        3,
        () =>
          call('socket.dns.getnameinfo', [
            dice.pick<Json>(['127.0.0.1', 'localhost', null, true, {}, '']),
            dice.pick<Json>(['80', 80, 'http', 0, null, 'x', '', -1, 65536, 1.5, true, {}]),
          ]),
      ],
      [1, () => call('socket.dns.gethostname', [], { mask: [1] })],
    ])(),
  );
}

/** A function to protect: it raises, or answers, or does what cannot be done. */
function risky(world: World, attempt: string): Operation[] {
  const { dice } = world;
  const values = dice.several(0, 3, () => plain(world));
  return dice.weighted<() => Operation[]>([
    [3, () => [call(attempt, values)]],
    [2, () => [call('pack', values)]],
    [1, () => [call('pack', [{ $arg: 1 }, { $arg: 2 }])]],
    [
      2,
      () => [call('raise', [dice.pick<Json>(['an error', 7, true, ...(world.rc1 ? [{}, ['x'], [null, 'x']] : [])])])],
    ],
    [1, () => [call('socket.skip', [true])]],
    [1, () => [call(attempt, [1, 'fine']), call(attempt, [null, plain(world)])]],
  ])();
}

/** Values that print the same wherever they come from. */
function plain(world: World): Json {
  return world.dice.pick<Json>([null, null, false, true, 0, 'text', '', 2.5, [1, 2], { a: 1 }, { $num: 'inf' }]);
}

export function protect(world: World): void {
  const { dice } = world;
  const [attempt, guarded] = [world.fresh('t'), world.fresh('g')];
  const own = dice.chance(0.7);
  const tidy: Json[] = dice.weighted<() => Json[]>([
    [2, () => []],
    [3, () => [doing([call('log', ['tidied'])])]],
    [1, () => [doing(world.rc1 ? [call('log', ['failing']), call('raise', [plain(world)])] : [])]],
    [1, () => [world.rc1 ? junk(dice) : null]],
  ])();
  const made = own ? [call('socket.newtry', tidy, { id: attempt })] : [];
  const name = own ? attempt : 'socket.try';
  world.step(
    ...made,
    call('socket.protect', [dice.chance(0.95) ? doing(risky(world, name)) : junk(dice)], { id: guarded }),
    ...dice.several(1, 3, () =>
      call(
        guarded,
        dice.several(0, 2, () => plain(world)),
      ),
    ),
    call('getlog'),
  );
}

/** A try outside of protect raises a table. */
export function bareTry(world: World): void {
  const { dice } = world;
  const values = dice.several(0, 3, () => plain(world));
  world.step(call('socket.try', values));
}

/** Functions of the library with arguments that none of them takes. */
export function wrongCall(world: World): void {
  const { dice } = world;
  // Not one of these is a string, a number, or nil.
  const types = (): Json => dice.pick<Json>([true, false, {}, [], { $do: [] }]);
  const name = dice.pick([
    'socket.connect',
    'socket.connect4',
    'socket.connect6',
    'socket.bind',
    'socket.select',
    'socket.sleep',
    'socket.nonsense',
  ]);
  const args = dice.several(1, 3, types);
  if (name === 'socket.select') args[2] = true;
  world.step(call(name, args), collect);
}

export function connectFamily(world: World): void {
  const { dice } = world;
  const id = world.fresh('c');
  world.step(
    call(
      'socket.connect',
      [
        '127.0.0.1',
        dice.pick<Json>([1, '1']),
        null,
        null,
        dice.pick<Json>(['inet', 'unspec', 'inet7', '', true, null, ...(world.rc1 ? ['inet6'] : [])]),
      ],
      { id },
    ),
    collect,
  );
}

/** socket.bind with what it takes and what it does not. */
export function bindHelper(world: World): void {
  const { dice } = world;
  const id = world.fresh('s');
  const host = dice.pick<Json>(['127.0.0.1', '*', '::1', 'localhost', '', '127.1', 1, true, null]);
  world.step(
    call(
      'socket.bind',
      [
        host,
        dice.pick<Json>([0, '0', 'x', '', true, null]),
        dice.pick<Json>([null, 5, '7', dice.pick(numbers), 'x', true]),
      ],
      { id },
    ),
    method({ id }, 'getsockname', [], { mask: [2] }),
    call('class', [ref(id)]),
    collect,
  );
}
