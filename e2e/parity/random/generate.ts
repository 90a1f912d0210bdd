/** Makes a scenario from a seed, by a weighted grammar. */
import type { Scenario } from '../scenario.ts';
import * as any from './any-steps.ts';
import type { Weighted } from './dice.ts';
import * as fd from './fd-steps.ts';
import * as library from './library-steps.ts';
import * as made from './tcp-made.ts';
import * as talk from './tcp-talk.ts';
import * as udp from './udp-steps.ts';
import { collect, type Dialect, type Step, World } from './world.ts';

type Production = (world: World) => void;

const TCP: Weighted<Production> = [
  [3, made.master],
  [3, made.bind],
  [2, made.listen],
  [4, made.server],
  [9, made.connection],
  [4, (world) => made.accept(world)],
  [2, made.refused],
  [2, made.connectAgain],
  [16, talk.send],
  [18, talk.receive],
  [3, talk.conversation],
  [5, talk.shutdown],
  [6, talk.close],
  [4, talk.stream],
];

const UDP: Weighted<Production> = [
  [4, udp.udp],
  [3, udp.setsockname],
  [8, udp.sendto],
  [4, udp.sendConnected],
  [6, udp.receiveDatagram],
  [5, udp.receivefrom],
  [5, udp.setpeername],
  [2, talk.close],
];

const ANY: Weighted<Production> = [
  [8, any.getter],
  [1, any.identity],
  [2, any.stats],
  [4, any.settimeout],
  [3, any.getoption],
  [4, any.setoption],
  [3, fd.setfd],
  [2, fd.share],
  [8, any.select],
  [4, any.wrong],
];

const LIBRARY: Weighted<Production> = [
  [2, library.skip],
  [1, library.sleep],
  [3, library.dns],
  [4, library.protect],
  [1, library.bareTry],
  [2, library.wrongCall],
  [1, library.connectFamily],
  [2, library.bindHelper],
];

/** What a scenario is mostly about. */
const THEMES: Weighted<Weighted<Weighted<Production>>> = [
  [
    6,
    [
      [8, TCP],
      [4, ANY],
    ],
  ],
  [
    3,
    [
      [8, UDP],
      [4, ANY],
    ],
  ],
  [1, [[1, LIBRARY]]],
  [
    3,
    [
      [5, TCP],
      [4, UDP],
      [4, ANY],
      [1, LIBRARY],
    ],
  ],
];

/** The steps of the scenario that belongs to a seed. */
export function generate(seed: number, dialect: Dialect): readonly Step[] {
  const world = new World(seed, dialect);
  // An interpreter may still have garbage of the scenario before.
  world.step(collect);
  const theme = world.dice.weighted(THEMES);
  const length = world.dice.between(5, 40);
  while (world.steps.length < length) world.dice.weighted(world.dice.weighted(theme))(world);
  return world.steps;
}

/** A scenario of these steps. */
export function scenarioOf(name: string, steps: readonly Step[]): Scenario {
  return { name, operations: steps.flat() };
}

/** A scenario's text, in ASCII. */
export function textOf({ name, operations }: Scenario): string {
  const lines = [{ scenario: name }, ...operations].map((line) => JSON.stringify(line));
  const ascii = (text: string): string =>
    text.replace(/[\x7f-\xff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return lines.map((line) => `${ascii(line)}\n`).join('');
}
