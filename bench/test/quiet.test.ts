/** The gate on a clock and a machine of the test's: what it waits for, what it takes again, and that it ends. */
import { describe, expect, it } from 'vitest';
import { openGate, reference } from '../lib/quiet.mjs';
import type { Sample } from '../types.ts';

/** Microseconds of a probe. */
const CALM = 32;
const LOUD = 120;

/** A machine that is noisy when `noisy` says so of a second; samples take one. */
async function machine(noisy: (second: number) => boolean, patience = 600) {
  let second = -3;
  const used = { used: 0, stolen: 0 };
  const taken: number[] = [];
  const tools = {
    probe: async () => (noisy(second) ? LOUD : CALM),
    processors: () => ({ ...used }),
    sleep: async (seconds: number) => {
      second += seconds;
    },
    now: () => second,
  };
  const gate = await openGate(tools, patience);
  second = 0;
  const take = async (): Promise<Sample> => {
    taken.push(second);
    second += 1;
    used.used += 100;
    return { figures: { at: taken.length } };
  };
  return { gate, taken, take, used, sample: (what = take) => gate.sample(async () => {}, what), at: () => second };
}

describe('what quiet is', () => {
  it('is neither what half of the probes say that are noisy, nor what one says that was lucky', () => {
    expect(reference([32, 33, 34, 31, 30, 150, 160, 170, 180, 190])).toBe(32);
    expect(reference([5, 32, 33, 31, 34, 30])).toBe(30);
    expect(reference([40])).toBe(40);
  });

  it('is found later where the start was noisy', async () => {
    const { gate, taken, sample, at } = await machine((second) => second < 0 || second >= 10);
    for (let count = 0; count < 10; count++) await sample();
    expect(gate.counts).toEqual({ samples: 10, again: 1, noisy: 1 });
    expect(at()).toBeGreaterThan(40);
    expect(taken.slice(0, 10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('does not become what a long noise says', async () => {
    const { gate, sample } = await machine((second) => second >= 0);
    for (let count = 0; count < 300; count++) await sample();
    expect(gate.counts).toEqual({ samples: 300, again: 0, noisy: 300 });
  });
});

describe('a sample', () => {
  it('is taken at once where it is quiet', async () => {
    const { gate, taken, sample } = await machine(() => false);
    expect(await sample()).toEqual({ figures: { at: 1 } });
    expect(taken).toEqual([0]);
    expect(gate.counts).toEqual({ samples: 1, again: 0, noisy: 0 });
  });

  it('waits until it is quiet', async () => {
    const { gate, taken, sample } = await machine((second) => second >= 0 && second < 20);
    await sample();
    expect(taken).toEqual([20]);
    expect(gate.counts).toEqual({ samples: 1, again: 0, noisy: 0 });
  });

  it('is taken again where the hypervisor kept much meanwhile, whatever probes say', async () => {
    const { gate, used, take, sample } = await machine(() => false);
    const keeping = (share: number) => () => {
      used.stolen += gate.counts.again === 0 ? (share / (1 - share)) * 100 : 0;
      return take();
    };
    await sample(keeping(0.09));
    expect(gate.counts).toEqual({ samples: 1, again: 0, noisy: 0 });
    expect(await sample(keeping(0.11))).toEqual({ figures: { at: 3 } });
    expect(gate.counts).toEqual({ samples: 2, again: 1, noisy: 0 });
  });

  it('is taken again where it became noisy meanwhile', async () => {
    const { gate, taken, sample } = await machine((second) => second > 0.5 && second < 4);
    expect(await sample()).toEqual({ figures: { at: 2 } });
    expect(taken).toEqual([0, 6]);
    expect(gate.counts).toEqual({ samples: 1, again: 1, noisy: 0 });
  });

  it('is taken again twice and no more, prepared anew each time', async () => {
    let loud = false;
    let prepared = 0;
    const { gate } = await machine(() => loud);
    const prepare = async () => {
      prepared++;
      loud = false;
    };
    const take = async () => {
      loud = true;
      return { figures: { prepared } };
    };
    expect(await gate.sample(prepare, take)).toEqual({ figures: { prepared: 3 } });
    expect(gate.counts).toEqual({ samples: 1, again: 2, noisy: 1 });
  });

  it('counts as it is when it failed, however noisy it became', async () => {
    const { gate, sample } = await machine((second) => second > 0);
    expect(await sample(async () => ({ failed: 'no luck' }))).toEqual({ failed: 'no luck' });
    expect(gate.counts).toEqual({ samples: 1, again: 0, noisy: 0 });
  });
});

describe('patience', () => {
  it('with one sample ends after half a minute', async () => {
    const { gate, taken, sample } = await machine((second) => second >= 0);
    await sample();
    expect(taken).toEqual([30]);
    expect(gate.counts).toEqual({ samples: 1, again: 0, noisy: 1 });
  });

  it('of a run ends, and all that is left is taken as it comes', async () => {
    const { gate, taken, sample, at } = await machine((second) => second >= 0, 40);
    for (let count = 0; count < 5; count++) await sample();
    expect(taken.map((second, index) => second - (taken[index - 1] ?? 0))).toEqual([30, 11, 1, 1, 1]);
    expect(at()).toBeLessThan(50);
    expect(gate.counts).toEqual({ samples: 5, again: 0, noisy: 5 });
  });

  it('is used up by samples that are taken again, too', async () => {
    let loud = false;
    const { gate, take } = await machine(() => loud, 25);
    const prepare = async () => {
      loud = false;
    };
    const noisily = () => {
      loud = true;
      return take();
    };
    for (let count = 0; count < 3; count++) await gate.sample(prepare, noisily);
    expect(gate.counts).toEqual({ samples: 3, again: 3, noisy: 3 });
  });

  it('of nothing only counts', async () => {
    const { gate, taken, sample } = await machine((second) => second > 0, 0);
    await sample();
    await sample();
    expect(taken).toHaveLength(2);
    expect(gate.counts).toEqual({ samples: 2, again: 0, noisy: 2 });
  });
});
