/** The codec against vectors.json, which no code of ours has made. */
import { readFileSync } from 'node:fs';
import { decodeFrames, encodeFrame } from '@luasocket-web/shared/codec';
import { ProtocolError } from '@luasocket-web/shared/errors';
import { FRAMES, type Frame } from '@luasocket-web/shared/frames';
import { describe, expect, test } from 'vitest';
import { bytesOf, hexOf } from './hex.ts';

type Sender = 'client' | 'relay';
interface Vector {
  readonly name: string;
  readonly from: Sender;
  readonly hex: string;
}
interface Vectors {
  readonly frames: readonly (Vector & { readonly frame: { readonly type: string } })[];
  readonly forms: readonly (Vector & { readonly frame: object })[];
  readonly faults: readonly (Vector & { readonly fault: string })[];
}

const vectors: Vectors = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8'));

/** The frame as values: `{"bytes": hex}` becomes bytes. */
function revive(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revive);
  if (typeof value !== 'object' || value === null) return value;
  if ('bytes' in value && typeof value.bytes === 'string') return bytesOf(value.bytes);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, revive(item)]));
}

describe('frames', () => {
  test.each(vectors.frames)('$frame.type, $name', ({ from, frame, hex }) => {
    const value = revive(frame) as Frame;
    expect(hexOf(encodeFrame(value))).toBe(hex);
    expect(decodeFrames(bytesOf(hex), from)).toEqual([value]);
  });

  test('none is missing', () => {
    expect([...new Set(vectors.frames.map(({ frame }) => frame.type))].sort()).toEqual(Object.keys(FRAMES).sort());
  });

  test('all of one sender in one message', () => {
    for (const sender of ['client', 'relay'] as const) {
      const own = vectors.frames.filter(({ from }) => from === sender);
      const message = bytesOf(own.map(({ hex }) => hex).join(''));
      expect(decodeFrames(message, sender)).toEqual(own.map(({ frame }) => revive(frame)));
    }
  });
});

test.each(vectors.forms)('another form: $name', ({ from, frame, hex }) => {
  expect(decodeFrames(bytesOf(hex), from)).toEqual([revive(frame)]);
});

test.each(vectors.faults)('$fault: $name', ({ from, fault, hex }) => {
  expect(faultOf(() => decodeFrames(bytesOf(hex), from))).toBe(fault);
});

function faultOf(decode: () => unknown): string {
  try {
    decode();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return 'none';
}
