import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatenate } from '../../src/core/strings.ts';
import { stringsOf } from '../../src/strings.ts';
import { bytes } from './lua.ts';

const anyBytes = fc.uint8Array({ maxLength: 200 });
/** Mostly text, with stray bytes: where mistakes would be. */
const nearlyText = fc
  .array(fc.oneof(fc.string({ unit: 'grapheme', maxLength: 3 }), fc.uint8Array({ maxLength: 2 })), { maxLength: 20 })
  .map((parts) => {
    const encoder = new TextEncoder();
    return Uint8Array.from(parts.flatMap((part) => [...(typeof part === 'string' ? encoder.encode(part) : part)]));
  });

describe.each(['utf8', 'binary'] as const)('%s strings', (mode) => {
  const strings = stringsOf<string>(mode);

  it.each([
    ['any bytes', anyBytes],
    ['nearly text', nearlyText],
  ])('give back %s', (_, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, (given) => {
        expect(strings.encode(strings.decode(given))).toEqual(given);
      }),
    );
  });

  it('give back bytes that were decoded in two parts', () => {
    fc.assert(
      fc.property(nearlyText, fc.nat(200), (given, at) => {
        const text = strings.decode(given.subarray(0, at)) + strings.decode(given.subarray(at));
        expect(strings.encode(text)).toEqual(given);
      }),
    );
  });

  it('take long strings', () => {
    const long = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);
    expect(strings.encode(strings.decode(long))).toEqual(long);
  });
});

describe('utf8 strings', () => {
  const strings = stringsOf<string>('utf8');

  it('are text where the bytes are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const encoded = new TextEncoder().encode(text);
        expect(strings.decode(encoded)).toBe(text);
        expect(strings.encode(text)).toEqual(encoded);
      }),
    );
  });

  it('keep a byte order mark', () => {
    expect(strings.decode(bytes('\xef\xbb\xbfx'))).toBe('\ufeffx');
  });

  it.each([
    ['\xff', '\udcff'],
    ['a\x80b', 'a\udc80b'],
    ['\xe2\x82', '\udce2\udc82'],
    ['\xc0\xaf', '\udcc0\udcaf'],
    ['\xed\xa0\x80', '\udced\udca0\udc80'],
    ['\xf4\x90\x80\x80', '\udcf4\udc90\udc80\udc80'],
    ['\xf0\x9f\x98\x80\xf0', '\u{1f600}\udcf0'],
  ])('escape what is not text: %j', (given, text) => {
    expect(strings.decode(bytes(given))).toBe(text);
  });

  it('write U+FFFD for surrogates that stand for no byte', () => {
    expect(strings.encode('\ud800x\udc7f')).toEqual(new TextEncoder().encode('\ufffdx\ufffd'));
  });
});

describe('binary strings', () => {
  it('have no character above U+00FF', () => {
    expect(stringsOf('binary').encode('\u0100')).toBeNull();
  });
});

describe('byte strings', () => {
  const strings = stringsOf<Uint8Array>('bytes');

  it('are the bytes, in memory of their own', () => {
    const message = new Uint8Array([1, 2, 3, 4]);
    const value = strings.decode(message.subarray(1, 3));
    message.fill(0);
    expect(value).toEqual(new Uint8Array([2, 3]));
    expect(value.buffer.byteLength).toBe(2);
  });

  it('are a view where that keeps little else alive', () => {
    const message = new Uint8Array(200 * 1024);
    const large = message.subarray(1000, 1000 + 64 * 1024);
    expect(strings.decode(large)).toBe(large);
    expect(strings.decode(message.subarray(0, 49 * 1024)).buffer.byteLength).toBe(49 * 1024);
    const small = new Uint8Array(64 * 1024).subarray(1, 31 * 1024);
    expect(strings.decode(small).buffer).not.toBe(small.buffer);
  });

  it('may be given as text', () => {
    expect(strings.encode('\u00e9\udcff')).toEqual(bytes('\xc3\xa9\xff'));
  });
});

it('refuses an unknown mode', () => {
  expect(() => stringsOf('latin1' as 'utf8')).toThrow(RangeError);
});

describe('pieces', () => {
  const message = Uint8Array.from({ length: 100 }, (_, index) => index);

  it('are not copied where they lie beside each other', () => {
    const whole = concatenate([message.subarray(10, 20), message.subarray(20, 21), message.subarray(21, 50)]);
    expect(whole).toEqual(message.subarray(10, 50));
    expect(whole.buffer).toBe(message.buffer);
  });

  it.each([
    ['with a gap', message.subarray(10, 20), message.subarray(21, 30)],
    ['the other way round', message.subarray(20, 30), message.subarray(10, 20)],
    ['twice the same', message.subarray(0, 10), message.subarray(0, 10)],
    ['of two messages', message.subarray(10, 20), message.slice().subarray(20, 30)],
  ])('are copied %s', (_, one, other) => {
    const whole = concatenate([one, other]);
    expect([...whole]).toEqual([...one, ...other]);
    expect(whole.buffer).not.toBe(message.buffer);
  });

  it('may be none', () => {
    expect(concatenate([])).toEqual(new Uint8Array());
  });
});
