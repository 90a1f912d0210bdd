import { describe, expect, it } from 'vitest';
import { bytesText, endpointText, fieldsText, printedText, valueText } from '../src/text.ts';

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

describe('text for people', () => {
  it('writes addresses as URLs do', () => {
    expect(endpointText({ family: 4, address: '127.0.0.1', port: 80 })).toBe('127.0.0.1:80');
    expect(endpointText({ family: 6, address: '::1', port: 80 })).toBe('[::1]:80');
    expect(endpointText({ family: 6, address: 'fe80::1', port: 80, scope: 2 })).toBe('[fe80::1%2]:80');
  });

  it('escapes what cannot be seen, and cuts what is long', () => {
    expect(bytesText(bytes('GET /\r\n"\\\x00\xff'))).toBe('"GET /\\r\\n\\"\\\\\\x00\\xff"');
    expect(bytesText(new Uint8Array(100).fill(65))).toBe(`"${'A'.repeat(64)}" … 100 bytes`);
  });

  it('shows the fields of a frame', () => {
    expect(fieldsText({ type: 'data', socket: 3, payload: bytes('hi') })).toBe('socket 3, payload "hi"');
  });

  it('writes any value', () => {
    expect(valueText([1, null, undefined, 'a', { on: true }])).toBe('[1, null, undefined, "a", { on: true }]');
    expect(valueText({ toString: () => 'tcp{client}: 0x1' })).toBe('tcp{client}: 0x1');
    expect(valueText(new Map([['on', true]]))).toBe('{ on: true }');
  });

  it('comes to an end with what leads back to itself', () => {
    const ring: Record<string, unknown> = { name: 'ring' };
    ring.itself = ring;
    expect(valueText([ring, ring])).toBe('[{ name: "ring", itself: (again) }, { name: "ring", itself: (again) }]');
  });

  it('tells the kinds of values apart', () => {
    expect(valueText([new Set([1]), {}, 2n, new Date(0), valueText])).toBe(
      '[[1], {}, 2n, 1970-01-01T00:00:00.000Z, function valueText]',
    );
    expect(valueText(Object.create(null))).toBe('{}');
  });

  it('prints strings as they are, bytes that are not UTF-8 as such, and long ones cut', () => {
    expect(printedText(['täxt 😀', '\udcff\udc80', ['a']])).toBe('täxt 😀 \\xff\\x80 ["a"]');
    expect(printedText(['x'.repeat(20_000)])).toBe(`${'x'.repeat(10_000)} … 20000 characters`);
  });
});
