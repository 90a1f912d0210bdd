/** Memory that is used again: never too soon, and not kept for ever. */
import { MAX_MESSAGE } from '@luasocket-web/shared/limits';
import { describe, expect, it } from 'vitest';
import { FrameMemory, LARGE_BYTES } from '../../src/session/frame-memory.ts';

const LARGE = LARGE_BYTES + 1;

describe('the memory of frames', () => {
  it('is used again once it was released, for frames of any size', () => {
    const memory = new FrameMemory();
    const first = memory.take(LARGE);
    const second = memory.take(MAX_MESSAGE);
    expect(second.buffer).not.toBe(first.buffer);
    memory.release(first);
    const third = memory.take(MAX_MESSAGE);
    expect(third).toHaveLength(MAX_MESSAGE);
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
    const strange = new Uint8Array(MAX_MESSAGE);
    memory.release(small);
    memory.release(strange);
    const { buffer } = memory.take(LARGE);
    expect(buffer).not.toBe(small.buffer);
    expect(buffer).not.toBe(strange.buffer);
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
