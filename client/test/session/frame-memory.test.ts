/** Memory that is used again: never too soon, not kept for ever, and in proportion to what it is for. */
import { MAX_MESSAGE } from '@luasocket-web/shared/limits';
import { describe, expect, it } from 'vitest';
import { FrameMemory, LARGE_BYTES } from '../../src/session/frame-memory.ts';

const LARGE = 3 * LARGE_BYTES + 1;

describe('the memory of frames', () => {
  it('is used again once it was released, for frames of about the size', () => {
    const memory = new FrameMemory();
    const first = memory.take(LARGE);
    const second = memory.take(LARGE);
    expect(second.buffer).not.toBe(first.buffer);
    memory.release(first);
    expect(memory.take(MAX_MESSAGE).buffer).not.toBe(first.buffer);
    const third = memory.take(LARGE + 100);
    expect(third).toHaveLength(LARGE + 100);
    expect(third.buffer).toBe(first.buffer);
    expect(memory.take(LARGE).buffer).not.toBe(second.buffer);
  });

  it('is not given out twice when it is released twice', () => {
    const memory = new FrameMemory();
    const frame = memory.take(LARGE);
    memory.release(frame);
    memory.release(frame);
    expect(memory.take(LARGE).buffer).toBe(frame.buffer);
    expect(memory.take(LARGE).buffer).not.toBe(frame.buffer);
  });

  it('is never that of a small frame, or of somebody else', () => {
    const memory = new FrameMemory();
    const small = memory.take(LARGE_BYTES);
    const strange = new Uint8Array(4 * LARGE_BYTES);
    memory.release(small);
    memory.release(strange);
    const { buffer } = memory.take(LARGE);
    expect(buffer).not.toBe(small.buffer);
    expect(buffer).not.toBe(strange.buffer);
  });

  it('is little more than the frames, and what is kept is bounded, of the sizes of now', () => {
    const memory = new FrameMemory();
    const small = Array.from({ length: 480 }, () => memory.take(17_000));
    expect(small.reduce((sum, { buffer }) => sum + buffer.byteLength, 0)).toBeLessThan(2 * 480 * 17_000);
    for (const frame of small) memory.release(frame);
    const known = new Set(small.map(({ buffer }) => buffer));
    const again = Array.from({ length: 480 }, () => memory.take(17_000)).filter(({ buffer }) => known.has(buffer));
    expect(again.length).toBeGreaterThan(10);
    expect(again.length * 32 * 1024).toBeLessThanOrEqual(2 * 1024 * 1024);
    for (const frame of again) memory.release(frame);
    const large = memory.take(MAX_MESSAGE);
    memory.release(large);
    expect(memory.take(MAX_MESSAGE).buffer).toBe(large.buffer);
  });

  it('goes when it was not needed from one look to the next', () => {
    const memory = new FrameMemory();
    const frame = memory.take(LARGE);
    memory.release(frame);
    memory.calm();
    expect(memory.take(LARGE).buffer).toBe(frame.buffer);
    memory.release(frame);
    memory.calm();
    memory.calm();
    expect(memory.take(LARGE).buffer).not.toBe(frame.buffer);
  });
});
