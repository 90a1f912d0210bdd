import { describe, expect, it } from 'vitest';
import { numberText, parseNumber, toInt, toLong, toSize, typeName } from '../../src/core/lua.ts';

describe('numberText', () => {
  it.each([
    [80, '80'],
    [80.5, '80.5'],
    [-0, '-0'],
    [0.1, '0.1'],
    [1 / 3, '0.33333333333333'],
    [1e14, '1e+14'],
    [99999999999999, '99999999999999'],
    [99999999999999.9, '1e+14'],
    [123456789012345, '1.2345678901234e+14'],
    [123456789012355, '1.2345678901236e+14'],
    [1234567890123.25, '1234567890123.2'],
    [-1234567890123.75, '-1234567890123.8'],
    [0.000123, '0.000123'],
    [-12.5, '-12.5'],
    [15230523269966.625, '15230523269967'],
    [1e100, '1e+100'],
    [1e-4, '0.0001'],
    [1e-5, '1e-05'],
    [-2.5e-7, '-2.5e-07'],
    [2 ** 53, '9.007199254741e+15'],
    [Number.POSITIVE_INFINITY, 'inf'],
    [Number.NEGATIVE_INFINITY, '-inf'],
    [Number.NaN, '-nan'],
  ])('%d is %s', (number, text) => {
    expect(numberText(number)).toBe(text);
  });
});

describe('parseNumber', () => {
  it.each([
    ['5', 5],
    [' 5 ', 5],
    ['\t\n5\v\f\r', 5],
    ['-5.25e1', -52.5],
    ['.5', 0.5],
    ['5.', 5],
    ['0x10', 16],
    ['-0xA', -10],
    ['0x.8', 0.5],
    ['0x1p4', 16],
    ['1\0x', 1],
    ['inf', Number.POSITIVE_INFINITY],
    ['-Infinity', Number.NEGATIVE_INFINITY],
    ['nan', Number.NaN],
    ['nan(1)', Number.NaN],
  ])('%j is %d', (text, number) => {
    expect(parseNumber(text)).toBe(number);
  });

  it.each(['', ' ', 'x', '5x', '0x', '0xg', '1e', '.', '--5', '5 5', '1_000', '0b1'])('%j is no number', (text) => {
    expect(parseNumber(text)).toBeNull();
  });
});

describe('conversions of C', () => {
  it('cuts towards zero', () => {
    expect([2.9, -2.9, -0.5].map(toInt)).toEqual([2, -2, 0]);
    expect([2.9, -2.9, -0.5].map(toLong)).toEqual([2, -2, 0]);
  });

  it('makes the smallest number of what does not fit', () => {
    expect([2 ** 31, -(2 ** 31) - 1, Number.NaN, Number.POSITIVE_INFINITY].map(toInt)).toEqual(
      Array(4).fill(-(2 ** 31)),
    );
    expect([2 ** 63, Number.NaN].map(toLong)).toEqual(Array(2).fill(-(2 ** 63)));
  });

  it('wraps a size', () => {
    expect([5.9, -0.5, -1, 2 ** 64, Number.POSITIVE_INFINITY].map(toSize)).toEqual([5, 0, 2 ** 64, 0, 0]);
  });
});

describe('typeName', () => {
  it.each([
    [null, 'nil'],
    [undefined, 'nil'],
    [true, 'boolean'],
    [5, 'number'],
    ['x', 'string'],
    [new Uint8Array(), 'string'],
    [() => 1, 'function'],
    [Object.assign(() => 1, { getfd: () => 1 }), 'table'],
    [{}, 'table'],
    [[], 'table'],
    [{ class: 'tcp{client}' }, 'userdata'],
    [Symbol('s'), 'userdata'],
  ])('%s is %s', (value, name) => {
    expect(typeName(value)).toBe(name);
  });
});
