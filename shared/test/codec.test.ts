/** What a codec must do whatever the frame: limits, views, typed errors, no generated code. */
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { EndpointCache } from '@luasocket-web/shared/address';
import {
  DATA_HEADER,
  decodeFrames,
  encodeFrame,
  frameInPlace,
  MessageWriter,
  utf8Length,
} from '@luasocket-web/shared/codec';
import { ProtocolError } from '@luasocket-web/shared/errors';
import { FRAMES, type Frame } from '@luasocket-web/shared/frames';
import * as limits from '@luasocket-web/shared/limits';
import fc from 'fast-check';
import { build } from 'vite';
import { describe, expect, test } from 'vitest';
import { anyFrame, anyFrameFrom, FRAME_ARBITRARIES, senderOf } from './frames.ts';
import { bytesOf } from './hex.ts';

const faultOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return 'none';
};

const data = (length: number): Frame => ({ type: 'data', socket: 1, payload: new Uint8Array(length) });
const datagram = (length: number, family: 4 | 6): Frame => ({
  type: 'datagram',
  socket: 1,
  peer: { family, address: family === 4 ? '127.0.0.1' : '::1', port: 9 },
  payload: new Uint8Array(length),
});

describe('round trip', () => {
  test.each([...FRAME_ARBITRARIES])('%s', (_name, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, (frame) => {
        expect(decodeFrames(encodeFrame(frame), senderOf(frame))).toEqual([frame]);
      }),
    );
  });

  test.each(['client', 'relay'] as const)('messages of a %s', (sender) => {
    fc.assert(
      fc.property(fc.array(anyFrameFrom(sender), { minLength: 1, maxLength: 12 }), (frames) => {
        const writer = new MessageWriter();
        for (const frame of frames) writer.add(encodeFrame(frame));
        expect(writer.size).toBeGreaterThan(0);
        expect(decodeFrames(writer.take() ?? new Uint8Array(), sender)).toEqual(frames);
        expect(writer.take()).toBeNull();
        expect(writer.size).toBe(0);
      }),
    );
  });

  test('a frame of one direction is unexpected in the other', () => {
    for (const [name, arbitrary] of FRAME_ARBITRARIES) {
      const { from } = FRAMES[name];
      if (from === 'both') continue;
      const other = from === 'client' ? 'relay' : 'client';
      const [frame] = fc.sample(arbitrary, 1);
      expect(faultOf(() => frame && decodeFrames(encodeFrame(frame), other))).toBe('unexpected');
    }
  });
});

describe('bytes that are no frames', () => {
  const sender = fc.constantFrom('client' as const, 'relay' as const);
  const decodes = (message: Uint8Array, from: 'client' | 'relay') => {
    // Whatever is accepted is a frame that can be said again.
    if (faultOf(() => decodeFrames(message, from)) !== 'none') return;
    for (const frame of decodeFrames(message, from)) encodeFrame(frame);
  };

  test('arbitrary bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), sender, decodes), { numRuns: 2000 });
  });

  test('arbitrary bytes that begin like a frame', () => {
    const codes = Object.values(FRAMES).map(({ code }) => code);
    const start = fc.tuple(fc.integer({ min: 0x90, max: 0x9b }), fc.constantFrom(...codes));
    const body = fc.uint8Array({ maxLength: 60 });
    fc.assert(
      fc.property(start, body, sender, (head, rest, from) => decodes(Uint8Array.from([...head, ...rest]), from)),
      { numRuns: 5000 },
    );
  });

  test('every truncation', () => {
    fc.assert(
      fc.property(anyFrame, (frame) => {
        const whole = encodeFrame(frame);
        for (let length = 0; length < whole.length; length++) {
          expect(faultOf(() => decodeFrames(whole.slice(0, length), senderOf(frame)))).toBe('malformed');
        }
      }),
    );
  });

  test('mutations', () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(anyFrame, fc.array(change, { minLength: 1, maxLength: 3 }), (frame, changes) => {
        const message = encodeFrame(frame).slice();
        for (const [at, byte] of changes) message[at % message.length] = byte;
        decodes(message, senderOf(frame));
      }),
      { numRuns: 3000 },
    );
  });

  test('deep nesting and lying lengths cost nothing', () => {
    const deep = bytesOf(`934001${'91'.repeat(200_000)}`);
    expect(faultOf(() => decodeFrames(deep, 'relay'))).toBe('malformed');
    const wide = bytesOf(`934001dd0003ffff${'dd0003ffff'.repeat(40_000)}`);
    expect(faultOf(() => decodeFrames(wide, 'relay'))).toBe('malformed');
  });
});

describe('limits', () => {
  test('a message', () => {
    expect(decodeFrames(bytesOf('920507'.repeat(limits.MAX_MESSAGE / 4)), 'client')).toHaveLength(65_536);
    expect(faultOf(() => decodeFrames(new Uint8Array(limits.MAX_MESSAGE + 1), 'client'))).toBe('too_large');
    const writer = new MessageWriter();
    writer.add(new Uint8Array(limits.MAX_MESSAGE - 1));
    expect([writer.fits(1), writer.fits(2)]).toEqual([true, false]);
    expect(faultOf(() => writer.add(new Uint8Array(2)))).toBe('internal');
    expect(writer.size).toBe(limits.MAX_MESSAGE - 1);
  });

  test.each([
    ['DATA', data(limits.MAX_DATA), data(limits.MAX_DATA + 1)],
    ['IPv4 datagrams', datagram(limits.MAX_DATAGRAM_V4, 4), datagram(limits.MAX_DATAGRAM_V4 + 1, 4)],
    ['IPv6 datagrams', datagram(limits.MAX_DATAGRAM_V6, 6), datagram(limits.MAX_DATAGRAM_V6 + 1, 6)],
  ])('%s', (_name, largest, larger) => {
    const encoded = encodeFrame(largest);
    expect(decodeFrames(encoded, 'client')).toEqual([largest]);
    expect(faultOf(() => encodeFrame(larger))).toBe('internal');
    // One byte more behind a length that says so.
    const longer = new Uint8Array(encoded.length + 1);
    longer.set(encoded);
    const length = encoded.length - (largest.type === 'data' ? limits.MAX_DATA : lengthOf(largest));
    new DataView(longer.buffer).setUint32(length - 4, longer.length - length);
    expect(faultOf(() => decodeFrames(longer, 'client'))).toBe('too_large');
  });

  test('a text', () => {
    const hostent = (name: string): Frame => ({ type: 'hostent', request: 1, name });
    for (const longest of [
      'a'.repeat(limits.MAX_TEXT),
      'é'.repeat(limits.MAX_TEXT / 2),
      '🂡'.repeat(limits.MAX_TEXT / 4),
    ]) {
      expect(decodeFrames(encodeFrame(hostent(longest)), 'client')).toEqual([hostent(longest)]);
      expect(faultOf(() => encodeFrame(hostent(`${longest}a`)))).toBe('internal');
    }
    const over = bytesOf(`931d01da2001${'61'.repeat(limits.MAX_TEXT + 1)}`);
    expect(faultOf(() => decodeFrames(over, 'client'))).toBe('too_large');
  });

  test.each<[string, object]>([
    ['a field missing', { type: 'ping' }],
    ['another type', { type: 'ping', token: '1' }],
    ['a negative uint', { type: 'ping', token: -1 }],
    ['a fraction', { type: 'ping', token: 1.5 }],
    ['beyond 2^53', { type: 'ping', token: 2 ** 53 }],
    ['not a number', { type: 'pong', token: 1, time: Number.NaN }],
    ['socket beyond 32 bits', { type: 'accept', socket: 2 ** 32 }],
    ['socket no number', { type: 'data', socket: '1', payload: new Uint8Array(1) }],
    ['an unknown kind', { type: 'open', socket: 1, kind: 2, family: 4 }],
    ['an unknown frame', { type: 'toString' }],
    ['payload no bytes', { type: 'data', socket: 1, payload: 'text' }],
    ['payload absent', { type: 'data', socket: 1 }],
    ['no payload', { type: 'data', socket: 1, payload: new Uint8Array() }],
    ['payload an array', { type: 'datagram', socket: 1, peer: null, payload: [1] }],
    ['a peer that is a name', { type: 'datagram', socket: 1, peer: { family: 4, address: 'localhost', port: 1 } }],
    ['an option of bytes', { type: 'setoption', request: 1, socket: 1, option: 'a', value: new Uint8Array() }],
    ['an option of functions', { type: 'setoption', request: 1, socket: 1, option: 'a', value: { a: () => 1 } }],
    ['an option nested', { type: 'setoption', request: 1, socket: 1, option: 'a', value: { a: { b: 1 } } }],
    ['an option array', { type: 'setoption', request: 1, socket: 1, option: 'a', value: [1] }],
    ['a value too deep', { type: 'reply', request: 1, value: [[[[[1]]]]] }],
    ['a value undefined', { type: 'reply', request: 1, value: undefined }],
    ['a text too long', { type: 'hostent', request: 1, name: 'é'.repeat(limits.MAX_TEXT) }],
  ])('not encoded, a defect of the caller: %s', (_name, frame) => {
    expect(faultOf(() => encodeFrame(frame as Frame))).toBe('internal');
  });
});

describe('payloads', () => {
  test('are views into the message, also when it is a part of a larger buffer', () => {
    const frames: Frame[] = [data(10), datagram(20, 4), { type: 'reply', request: 1, value: bytesOf('0102') }];
    const buffer = Buffer.alloc(500);
    let end = 100;
    for (const frame of frames) {
      buffer.set(encodeFrame(frame), end);
      end += encodeFrame(frame).length;
    }
    for (const frame of decodeFrames(buffer.subarray(100, end), 'relay')) {
      const payload = 'payload' in frame ? frame.payload : 'value' in frame ? frame.value : null;
      expect(payload).toBeInstanceOf(Uint8Array);
      expect(Buffer.isBuffer(payload)).toBe(false);
      expect((payload as Uint8Array).buffer).toBe(buffer.buffer);
    }
  });

  test('a header laid before a payload that is in place', () => {
    const payload = Uint8Array.from([1, 2, 3]);
    const room = new Uint8Array(100 + DATA_HEADER + payload.length);
    room.set(payload, 100 + DATA_HEADER);
    const frame = frameInPlace(0xffff_ffff, room.subarray(100 + DATA_HEADER));
    expect(frame.buffer).toBe(room.buffer);
    expect(frame).toEqual(encodeFrame({ type: 'data', socket: 0xffff_ffff, payload }));
  });

  test('frames that are kept stay as they are, whatever is encoded after them', () => {
    fc.assert(
      fc.property(fc.array(anyFrameFrom('client'), { minLength: 2, maxLength: 100 }), (frames) => {
        const writer = new MessageWriter();
        const kept = frames.map((frame) => {
          const encoded = encodeFrame(frame);
          writer.add(encoded);
          writer.add(encoded);
          return [encoded, writer.take() ?? encoded] as const;
        });
        for (const [index, [encoded, message]] of kept.entries()) {
          expect(decodeFrames(encoded, 'client')).toEqual([frames[index]]);
          expect(decodeFrames(message, 'client')).toEqual([frames[index], frames[index]]);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('one frame alone is not copied into its message', () => {
    const writer = new MessageWriter();
    const encoded = encodeFrame(data(10));
    writer.add(encoded);
    expect(writer.take()).toBe(encoded);
  });
});

describe('texts and maps', () => {
  test('a lone surrogate becomes U+FFFD and never faults the peer', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.nat({ max: 0xffff }).map((unit) => String.fromCharCode(unit)) }), (name) => {
        const [frame] = decodeFrames(encodeFrame({ type: 'hostent', request: 1, name }), 'client');
        expect(frame).toEqual({ type: 'hostent', request: 1, name: Buffer.from(name).toString() });
        expect(utf8Length(name)).toBe(Buffer.byteLength(name));
      }),
    );
  });

  test('names that objects treat specially are keys like any other', () => {
    const value = Object.fromEntries([
      ['__proto__', 1],
      ['toJSON', 'x'],
      ['constructor', null],
    ]);
    const frame: Frame = { type: 'setoption', request: 1, socket: 1, option: '__proto__', value };
    const [back] = decodeFrames(encodeFrame(frame), 'client');
    expect(back).toEqual(frame);
    expect(Object.keys((back as typeof frame).value as object)).toEqual(['__proto__', 'toJSON', 'constructor']);
  });
});

test('an endpoint cache gives the same endpoints, and forgets', () => {
  const cache = new EndpointCache(2);
  const peers: Frame[] = ['127.0.0.1', '127.0.0.2', '10.0.0.1', '127.0.0.1', '::1'].map((address) => ({
    type: 'datagram',
    socket: 1,
    peer: { family: address === '::1' ? 6 : 4, address, port: 65_535 },
    payload: new Uint8Array(1),
  }));
  for (const frame of [...peers, ...peers]) {
    expect(decodeFrames(encodeFrame(frame), 'relay', cache)).toEqual([frame]);
  }
});

test('works in a bare realm: no polyfills, no text codecs, no code from strings (as under a strict CSP)', async () => {
  const entry = fileURLToPath(import.meta.resolve('@luasocket-web/shared/codec'));
  const lib = { entry, formats: ['iife' as const], name: 'codec' };
  const built = await build({ configFile: false, logLevel: 'silent', build: { write: false, lib } });
  const [output] = Array.isArray(built) ? built : [];
  const realm = createContext({ seen: [] }, { codeGeneration: { strings: false, wasm: false } });
  runInContext(output?.output[0].code ?? '', realm);
  const script = `
    for (let i = 0; i < 3000; i++) {
      const value = { on: true, name: 'é🂡'.repeat(i % 100), timeout: i * 2 ** 20 };
      const frame = { type: 'setoption', request: i, socket: 1, option: 'linger', value };
      const [back] = codec.decodeFrames(codec.encodeFrame(frame), 'client');
      seen.push(JSON.stringify(back) === JSON.stringify(frame));
    }
    [typeof Buffer, typeof TextEncoder, seen.length, seen.every(Boolean)];`;
  expect([...runInContext(script, realm)]).toEqual(['undefined', 'undefined', 3000, true]);
  expect(() => runInContext("new Function('return 1')", realm)).toThrow('Code generation from strings disallowed');
});

function lengthOf(frame: Frame): number {
  return frame.type === 'datagram' ? frame.payload.length : 0;
}
