import { describe, expect, it } from 'vitest';
import { Lanes } from '../../src/wait/lanes.ts';

describe('lanes', () => {
  it('let one call at a time through each, in order', () => {
    const lanes = new Lanes();
    const begun: string[] = [];
    for (const name of ['in 1', 'out 1', 'in 2', 'in 3', 'out 2']) {
      lanes.enter(name.startsWith('in') ? 'in' : 'out', () => begun.push(name));
    }
    expect(begun).toEqual(['in 1', 'out 1']);
    lanes.done('in');
    expect(begun).toEqual(['in 1', 'out 1', 'in 2']);
    lanes.done('out');
    lanes.done('in');
    expect(begun).toEqual(['in 1', 'out 1', 'in 2', 'out 2', 'in 3']);
  });

  it('make later calls wait for what sets up, and what sets up for nothing but its like', () => {
    const lanes = new Lanes();
    const begun: string[] = [];
    const enter = (lane: 'in' | 'out' | 'setup', name: string) => lanes.enter(lane, () => begun.push(name));
    enter('in', 'early');
    enter('setup', 'connect');
    enter('out', 'send');
    enter('in', 'receive');
    enter('setup', 'connect again');
    expect(begun).toEqual(['early', 'connect']);
    lanes.done('in');
    expect(begun).toEqual(['early', 'connect']);
    lanes.done('setup');
    expect(begun).toEqual(['early', 'connect', 'receive', 'send', 'connect again']);
  });

  it('are free again when a call ends at once', () => {
    const lanes = new Lanes();
    let ended = 0;
    for (let i = 0; i < 3; i++) {
      lanes.enter('in', () => {
        ended += 1;
        lanes.done('in');
      });
    }
    expect(ended).toBe(3);
  });
});
