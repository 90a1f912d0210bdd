/** Our `mime.core` against LuaSocket's own, run by Lua 5.1 where it is installed, and against what RFC 2045 says. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { b64, type Chunk, dot, eol, qp, qpwrp, unb64, unqp, wrp } from '../../src/lua/mime.ts';

const REAL = fileURLToPath(new URL('./real-mime.lua', import.meta.url));
const installed = spawnSync('lua5.1', ['-e', 'require "mime.core"']).status === 0;

type Value = Chunk | number;

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
const text = (chunk: Value): string | number | null =>
  chunk instanceof Uint8Array ? String.fromCharCode(...chunk) : chunk;
const word = (value: Value): string => {
  if (value === null) return 'nil';
  return typeof value === 'number' ? `n${value}` : `s${Buffer.from(value).toString('hex')}`;
};

/** Each filter with arguments as they come. */
const OURS: Readonly<Record<string, (...args: never[]) => readonly Value[]>> = {
  b64,
  unb64,
  qp,
  unqp,
  wrp,
  qpwrp,
  eol,
  dot,
};

describe.runIf(installed)('as the real mime.core', () => {
  let lua: ChildProcessWithoutNullStreams;
  let lines: AsyncIterator<string>;

  beforeAll(() => {
    lua = spawn('lua5.1', [REAL]);
    lines = createInterface({ input: lua.stdout })[Symbol.asyncIterator]();
  });
  afterAll(() => void lua.stdin.end());

  async function real(name: string, args: readonly Value[]): Promise<string> {
    lua.stdin.write(`${[name, ...args.map(word)].join(' ')}\n`);
    const { value } = await lines.next();
    return String(value);
  }

  // Mostly the bytes that mean something to a filter.
  const byte = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...bytes('\r\n.= \tAaf09+/\0~\x7f\x80\xff')) },
    { weight: 2, arbitrary: fc.nat(255) },
  );
  const string = fc.array(byte, { maxLength: 120 }).map((list) => Uint8Array.from(list));
  const chunk = fc.option(string, { freq: 8 });
  const marker = fc.constantFrom(bytes('\r\n'), bytes('=0D=0A'), bytes('\n'), bytes(''), bytes('<br>'));
  const count = fc.oneof(fc.integer({ min: -3, max: 80 }), fc.constantFrom(2.7, -0.5, 0));

  const calls: Readonly<Record<string, fc.Arbitrary<Value[]>>> = {
    b64: fc.tuple(chunk, chunk),
    unb64: fc.tuple(chunk, chunk),
    qp: fc.oneof(fc.tuple(chunk, chunk), fc.tuple(chunk, chunk, marker)),
    unqp: fc.tuple(chunk, chunk),
    wrp: fc.oneof(fc.tuple(count, chunk), fc.tuple(count, chunk, count)),
    qpwrp: fc.oneof(fc.tuple(count, chunk), fc.tuple(count, chunk, count)),
    eol: fc.oneof(fc.tuple(fc.constantFrom(0, 13, 10, 1), chunk), fc.tuple(fc.constantFrom(0, 13, 10), chunk, marker)),
    dot: fc.tuple(fc.constantFrom(0, 1, 2, 3, 1.5), chunk),
  };

  test.each(Object.keys(calls))('%s', async (name) => {
    const ours = OURS[name] as (...args: readonly Value[]) => readonly Value[];
    await fc.assert(
      fc.asyncProperty(calls[name] as fc.Arbitrary<Value[]>, async (args) => {
        expect(
          ours(...args)
            .map(word)
            .join(' '),
        ).toBe(await real(name, args));
      }),
      { numRuns: 600 },
    );
  });
});

describe('a text in pieces', () => {
  const pieces = fc.array(fc.array(fc.nat(255), { maxLength: 20 }).map((list) => Uint8Array.from(list)));

  /** Feeds pieces to a filter as ltn12.filter.cycle does. */
  function cycled(filter: (first: Chunk, second: Chunk) => [Chunk, Chunk], parts: readonly Uint8Array[]): Buffer {
    const out: Uint8Array[] = [];
    let rest: Chunk = new Uint8Array();
    for (const part of [...parts, null]) {
      const [converted, left]: [Chunk, Chunk] = filter(rest, part);
      if (converted !== null) out.push(converted);
      rest = left;
    }
    return Buffer.concat(out);
  }

  test('base64 is that of Node, and comes back', () => {
    fc.assert(
      fc.property(pieces, (parts) => {
        const encoded = cycled(b64, parts);
        const whole = Buffer.concat(parts);
        expect(encoded.toString('latin1')).toBe(whole.toString('base64'));
        expect(cycled(unb64, [encoded])).toEqual(whole);
      }),
    );
  });

  test('quoted-printable comes back, when the text is binary', () => {
    fc.assert(
      fc.property(pieces, (parts) => {
        const encoded = cycled((first, second) => qp(first, second, bytes('=0D=0A')), parts);
        expect(cycled(unqp, [encoded])).toEqual(Buffer.concat(parts));
      }),
    );
  });
});

test('RFC 2045 and RFC 5321 by example', () => {
  expect(b64(bytes('pleasure.'), null).map(text)).toEqual(['cGxlYXN1cmUu', null]);
  expect(qp(bytes('café = 1 \r\n'), null).map(text)).toEqual(['caf=E9 =3D 1=20\r\n', null]);
  expect(unqp(bytes('a=\r\nb=3D'), null).map(text)).toEqual(['ab=', null]);
  expect(wrp(3, bytes('abcdefgh'), 3).map(text)).toEqual(['abc\r\ndef\r\ngh', 1]);
  expect(qpwrp(4, bytes('ab=20'), 4).map(text)).toEqual(['ab=\r\n=20', 1]);
  expect(eol(0, bytes('a\rb\nc\r\nd\n\re')).map(text)).toEqual(['a\r\nb\r\nc\r\nd\r\ne', 0]);
  expect(dot(2, bytes('.a\r\n.\r\n..')).map(text)).toEqual(['..a\r\n..\r\n...', 0]);
});
