/** Values print as Lua 5.1 prints them; the scenario 01-runner compares the rest with real Lua. */
import { expect, test } from 'vitest';
import { differences } from './compare.ts';
import { formatNumber, Printer, quote } from './print.ts';
import { tableOf } from './values.ts';

test.each([
  [0, '0'],
  [-0, '-0'],
  [80.5, '80.5'],
  [1e14, '1e+14'],
  [99999999999999, '99999999999999'],
  [123456789012345, '1.2345678901234e+14'],
  [123456789012355, '1.2345678901236e+14'],
  [1 / 3, '0.33333333333333'],
  [1e-4, '0.0001'],
  [1e-5, '1e-05'],
  [5e-324, '4.9406564584125e-324'],
  [2 ** 64, '1.844674407371e+19'],
])('%.14g of %d', (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

test('bytes are escaped, and long strings cut', () => {
  expect(quote('a"\\\u0000\n\u007f\u00ff~')).toBe('"a\\u0022\\u005c\\u0000\\u000a\\u007f\\u00ff~"');
  const printer = new Printer(new Map());
  expect(printer.print('x'.repeat(160))).toBe(`"${'x'.repeat(160)}"`);
  expect(printer.print('abc'.repeat(54))).toBe(
    '{"$long":162,"adler32":3214491141,"head":"abcabcabcabcabca","tail":"cabcabcabcabcabc"}',
  );
});

test('tables print their sequence, then all else in order', () => {
  const named = { getfd: () => 3 };
  const printer = new Printer(new Map([[named, 'n']]));
  expect(printer.print([1, null, 3])).toBe('{"$list":[1],"$map":[[3,3]]}');
  expect(printer.print({ b: [true], a: named })).toBe(
    '{"$list":[],"$map":[["a",{"$obj":"table","id":"n"}],["b",{"$list":[true]}]]}',
  );
  expect(
    printer.print(
      tableOf([
        [-1, 'x'],
        [2, 'two'],
        [1, 'one'],
        [named, 1],
      ]),
    ),
  ).toBe('{"$list":["one","two"],"$map":[[-1,"x"],[{"$obj":"table","id":"n"},1]]}');
  expect(printer.print({ k: { j: 'hidden' } }, new Set(['j']))).toBe(
    '{"$list":[],"$map":[["k",{"$list":[],"$map":[["j",{"$masked":"string"}]]}]]}',
  );
});

test('a list of select prints its second keys', () => {
  class Thing {
    readonly class = 'tcp{client}';
  }
  const thing = new Thing();
  const list = Object.assign([thing, thing], { get: (key: unknown) => (key === thing ? 2 : undefined) });
  expect(new Printer(new Map([[thing, 'c']])).print(list)).toBe(
    '{"$list":[{"$obj":"tcp{client}","id":"c"},{"$obj":"tcp{client}","id":"c"}],"$map":[[{"$obj":"tcp{client}","id":"c"},2]]}',
  );
});

test('a difference is found wherever a transcript is shorter or other', () => {
  expect(differences(['a', 'b'], ['1', '2'], ['1', '2'])).toEqual([]);
  expect(differences(['a', 'b'], ['1', '2'], ['1', '3'])).toEqual([{ operation: 'b', expected: '2', got: '3' }]);
  expect(differences(['a', 'b'], ['1', '2'], ['1'])).toEqual([{ operation: 'b', expected: '2', got: undefined }]);
  expect(differences(['a'], ['1'], ['1', '2'])).toEqual([{ operation: '(nothing)', expected: undefined, got: '2' }]);
  expect(differences(['a'], ['1'], ['2'], () => false)).toEqual([]);
});
