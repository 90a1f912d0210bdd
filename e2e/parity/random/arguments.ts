/** Arguments for random operations: what programs pass, what they pass by mistake, and what nobody should. */
import type { Json } from '../scenario.ts';
import type { Dice } from './dice.ts';

const NAN: Json = { $num: 'nan' };
const INF: Json = { $num: 'inf' };
const MINUS_INF: Json = { $num: '-inf' };

/** Numbers, and strings that Lua takes for numbers; some only look like it. */
export const numbers: readonly Json[] = [
  ...[0, 1, 2, 3, 5, 7, 100, -1, -2, -7, 0.5, -0.5, 2.7, -2.7, 1e-7, 1e15, 12345678901234567000],
  ...[2147483647, 2147483648, -2147483648, -2147483649, 4294967296, 4294967299, 9007199254740994],
  ...[
    '0',
    '1',
    '3',
    '-1',
    ' 4 ',
    '0x3',
    '0x',
    '1e1',
    '1e',
    '2.5',
    '.5',
    '5.',
    '5x',
    '+3',
    '\t6\n',
    '0x1p2',
    'inf',
    'nan',
  ],
  ...[NAN, INF, MINUS_INF],
];

const strings: readonly string[] = ['', 'abc', '*l', '*a', 'both', '*', '\0', 'a\0b', '\xff\xfe', 'true', 'nil'];

/** Whatever a program may pass by mistake. */
export function junk(dice: Dice): Json {
  return dice.weighted<() => Json>([
    [3, () => null],
    [2, () => dice.pick([true, false])],
    [5, () => dice.pick(numbers)],
    [4, () => dice.pick(strings)],
    [2, () => dice.pick<Json>([[], [1], {}, { on: true }, { timeout: 1 }])],
    [1, () => ({ $do: [] })],
  ])();
}

const PIECES: readonly string[] = [
  ...[
    'a',
    'bc',
    'line',
    '\n',
    '\r\n',
    '\r',
    '\r\r\n',
    '\n\r',
    '\0',
    '\xff',
    '\x80\n',
    'x\ry',
    ' ',
    '1',
    'word word',
    '\n\n',
  ],
];

/** A few bytes, with odd ends of lines. */
export function bytes(dice: Dice): string {
  return dice.several(0, 8, () => dice.pick(PIECES)).join('');
}

/** What to send: mostly a few bytes, sometimes thousands, sometimes a number. All stay below one step of 8192 bytes. */
export function payload(dice: Dice): Json {
  return dice.weighted<() => Json>([
    [16, () => bytes(dice)],
    [3, () => ({ $rep: [dice.pick(['x', 'ab\n', 'abc\r\n', '0123456789']), dice.between(1, 800)] })],
    [1, () => dice.pick<Json>([5, 0.5, -1, 1e20, 123456789012345])],
  ])();
}

/** Arguments of `receive`. */
export function pattern(dice: Dice): Json[] {
  const first = dice.weighted<() => Json>([
    [5, () => dice.pick<Json>([null, '*l', '*l', '*line'])],
    [4, () => dice.between(1, 12)],
    [2, () => dice.pick<Json>(['*a', '*all'])],
    [1, () => 0],
    [1, () => dice.between(13, 5000)],
    [2, () => dice.pick(numbers)],
    [1, () => dice.pick<Json>(['l', 'a', '*n', '', '*', '*L', '**', 'line', '\0*l'])],
    [1, () => junk(dice)],
  ])();
  if (dice.chance(0.1)) return [];
  if (dice.chance(0.7)) return [first];
  return [
    first,
    dice.weighted<() => Json>([
      [4, () => bytes(dice)],
      [1, () => dice.pick(numbers)],
      [1, () => junk(dice)],
    ])(),
  ];
}

/** An index for `send`. */
export function place(dice: Dice): Json {
  return dice.chance(0.7) ? dice.between(-12, 12) : dice.chance(0.8) ? dice.pick(numbers) : junk(dice);
}

/** A time limit so short that a scenario can wait for it. */
export function shortTime(dice: Dice): Json {
  return dice.pick<Json>([0, 0, 0.01, 0.01, 0.02, 0.0004, '0.01', '0', 1e-9]);
}
