import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Failure } from '../../src/core/channel.ts';
import type { ModelStream } from './kernel.ts';
import { bytes, connected } from './lua.ts';
import { type Arrival, type Ending, NaiveReceiver } from './naive.ts';

// --- a property: whatever arrives whenever, receive does what a naive reading of the description does

/** Bytes, or how many of them. */
const chunk = fc.oneof(
  { weight: 6, arbitrary: fc.array(fc.constantFrom(10, 13, 65, 66, 0, 255), { minLength: 1, maxLength: 12 }) },
  { weight: 1, arbitrary: fc.integer({ min: 8000, max: 20_000 }) },
);
const bytesOf = (part: number[] | number) =>
  typeof part === 'number' ? Array.from({ length: part }, (_, i) => (i % 97) + 14) : part;
/** Milliseconds: eighths of a second, with which seconds are exact in binary too. */
const eighths = (min: number, max: number) => fc.integer({ min, max }).map((n) => n * 125);
const gap = eighths(0, 4);
const world = fc.record({
  parts: fc.array(fc.record({ gap, bytes: chunk }), { maxLength: 12 }),
  ending: fc.record({ gap: eighths(0, 6), kind: fc.constantFrom('fin' as const, 'rst' as const) }),
});
const limit = fc.oneof(fc.constant(-1), fc.constant(0), eighths(1, 6));
const call = fc.record({
  pattern: fc.oneof(
    fc.constantFrom('*l', '*a'),
    fc.integer({ min: 0, max: 12 }),
    fc.integer({ min: 8000, max: 30_000 }),
  ),
  prefix: fc.oneof(fc.constant(''), fc.constantFrom('p', '\r\n', 'prefix')),
  block: limit,
  total: limit,
});

describe('receive', () => {
  it('does what its description says, whatever arrives when', () => {
    fc.assert(
      fc.property(world, fc.array(call, { minLength: 1, maxLength: 12 }), ({ parts, ending }, calls) => {
        const { kernel, accepted, stream } = connected();
        const other = stream.other as ModelStream;
        const began = kernel.clock;
        let at = 0;
        const arrivals: Arrival[] = parts.map((part) => {
          at += part.gap;
          const bytes = bytesOf(part.bytes);
          kernel.in(at / 1000, () => other.receive(Uint8Array.from(bytes)));
          return { at, bytes };
        });
        const end: Ending = { at: at + ending.gap, kind: ending.kind };
        kernel.in(end.at / 1000, () => (end.kind === 'fin' ? other.end() : reset(other)));

        const naive = new NaiveReceiver(arrivals, end);
        for (const { pattern, prefix, block, total } of calls) {
          accepted.settimeout(block / 1000, 'b');
          accepted.settimeout(total / 1000, 't');
          naive.block = block < 0 ? -1 : block;
          naive.total = total < 0 ? -1 : total;
          const expected = naive.receive(pattern, prefix);
          const [value, error, partial] = accepted.receive(pattern, prefix);
          const [counted] = accepted.getstats();
          const now = (kernel.clock - began) * 1000;
          expect({ value, error, partial, dirty: accepted.dirty(), counted, now }).toEqual(expected);
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** A reset is told once; afterwards the connection has just ended. */
function reset(stream: ModelStream): void {
  stream.fail(new Failure('ECONNRESET'));
}

// --- what is easier to say by example

describe('receive, arguments', () => {
  const bad: [string, unknown[], string][] = [
    ['an unknown pattern', ['*x'], "bad argument #1 to 'receive' (invalid receive pattern)"],
    ['a pattern without star', ['l'], "bad argument #1 to 'receive' (invalid receive pattern)"],
    ['an empty pattern', [''], "bad argument #1 to 'receive' (invalid receive pattern)"],
    ['a negative number', [-0.5], "bad argument #1 to 'receive' (invalid receive pattern)"],
    ['not a number', [Number.NaN], "bad argument #1 to 'receive' (invalid receive pattern)"],
    ['a boolean', [true], "bad argument #1 to 'receive' (string expected, got boolean)"],
    ['a bad prefix, before anything else', ['*x', {}], "bad argument #2 to 'receive' (string expected, got table)"],
  ];
  it.each(bad)('raises for %s', (_, args, message) => {
    const { accepted } = connected();
    expect(() => accepted.receive(...(args as [string]))).toThrow(message);
  });

  it('takes numeric strings, fractions and bytes', () => {
    const { client, accepted } = connected();
    client.send('0123456789');
    expect(accepted.receive('2')).toEqual(['01', null, null]);
    expect(accepted.receive(2.9)).toEqual(['23', null, null]);
    expect(accepted.receive('0x2')).toEqual(['45', null, null]);
    expect(accepted.receive(3, 42)).toEqual(['426', null, null]);
    expect(accepted.receive(3, bytes('ab'))).toEqual(['ab7', null, null]);
  });

  it('of more than a size_t holds is a receive of nothing', () => {
    const { client, accepted } = connected();
    client.send('x');
    expect(accepted.receive(Number.POSITIVE_INFINITY)).toEqual(['', null, null]);
    expect(accepted.dirty()).toBe(true);
  });
});

describe('receive, at the edges', () => {
  it('asks the relay once before it says timeout, and not when something is here', () => {
    const { kernel, client, accepted } = connected();
    accepted.settimeout(0);
    const before = kernel.barriers;
    expect(accepted.receive()).toEqual([null, 'timeout', '']);
    expect(kernel.barriers).toBe(before + 1);
    client.send('x\n');
    expect(accepted.receive()).toEqual(['x', null, null]);
    expect(kernel.barriers).toBe(before + 1);
  });

  it('hands out what a closed object had buffered, then says closed', () => {
    const { client, accepted } = connected();
    client.send('abc\ndef');
    expect(accepted.receive(1)).toEqual(['a', null, null]);
    expect(accepted.close()).toEqual([1]);
    expect(accepted.close()).toEqual([1]);
    expect(accepted.dirty()).toBe(true);
    expect(accepted.receive()).toEqual(['bc', null, null]);
    expect(accepted.receive('*a')).toEqual(['def', null, null]);
    expect(accepted.receive('*a', 'p')).toEqual([null, 'closed', 'p']);
  });

  it('after shutting down reading still finds what is on its way', () => {
    const { kernel, accepted, stream } = connected();
    accepted.shutdown('receive');
    kernel.in(0, () => stream.other?.receive(bytes('late')));
    expect(accepted.receive(4)).toEqual(['late', null, null]);
    expect(accepted.receive(4)).toEqual([null, 'closed', '']);
  });

  it('gives bytes to those who want them', () => {
    const { client, accepted } = connected<Uint8Array>('bytes');
    client.send(new Uint8Array([0, 255, 10]));
    expect(accepted.receive()).toEqual([new Uint8Array([0, 255]), null, null]);
  });
});
