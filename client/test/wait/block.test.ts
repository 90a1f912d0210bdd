/** The waiter that blocks: when it takes in, lets go, waits and ends. The thread is scripted; time passes as it says. */
import { expect, test } from 'vitest';
import type { Op } from '../../src/core/op.ts';
import { type Blocker, BlockWaiter } from '../../src/wait/block.ts';

class Scripted implements Blocker {
  readonly log: string[] = [];
  time = 10;
  held = 0;
  /** What each wait does. */
  readonly waits: (() => void)[] = [];

  now(): number {
    return this.time;
  }
  hold(): void {
    this.held++;
  }
  release(): void {
    this.held--;
    this.log.push('release');
  }
  take(): void {
    this.log.push('take');
  }
  wait(deadline: number): void {
    this.log.push(`wait until ${deadline}`);
    const next = this.waits.shift();
    if (!next) throw new Error('waits for ever');
    next();
  }
}

const NEVER = Number.POSITIVE_INFINITY;

test('an operation that need not wait takes in once and does not wait', () => {
  const thread = new Scripted();
  const waiter = new BlockWaiter(thread);
  function* op(): Op<number> {
    yield* [];
    return 7;
  }
  expect(waiter.run(op())).toBe(7);
  expect(thread.log).toEqual(['take', 'release']);
});

test('it looks again after each wait, and goes on when the operation is ready', () => {
  const thread = new Scripted();
  const waiter = new BlockWaiter(thread);
  let ready = false;
  thread.waits.push(
    () => {},
    () => {
      ready = true;
    },
  );
  function* op(): Op<string> {
    yield { sources: [], ready: () => ready, deadline: NEVER };
    return 'done';
  }
  expect(waiter.run(op())).toBe('done');
  expect(thread.log).toEqual(['take', 'take', 'wait until Infinity', 'take', 'wait until Infinity', 'take', 'release']);
});

test('it goes on at the deadline, not before, however often a wait ends early', () => {
  const thread = new Scripted();
  const waiter = new BlockWaiter(thread);
  for (const time of [10.2, 10.999, 11]) {
    thread.waits.push(() => {
      thread.time = time;
    });
  }
  function* op(): Op<number> {
    yield { sources: [], ready: () => false, deadline: 11 };
    return thread.time;
  }
  expect(waiter.run(op())).toBe(11);
  expect(thread.waits).toEqual([]);
});

test('a deadline that has passed is not waited for, but what has come is taken in', () => {
  const thread = new Scripted();
  const waiter = new BlockWaiter(thread);
  function* op(): Op<null> {
    yield { sources: [], ready: () => false, deadline: 9 };
    return null;
  }
  expect(waiter.run(op())).toBeNull();
  expect(thread.log).toEqual(['take', 'take', 'release']);
});

test('what an operation throws is thrown, and what was sent is let go', () => {
  const thread = new Scripted();
  const waiter = new BlockWaiter(thread);
  // biome-ignore lint/correctness/useYield: it throws before it would
  function* op(): Op<null> {
    throw new TypeError('bad argument');
  }
  expect(() => waiter.run(op())).toThrow('bad argument');
  expect(thread.log.at(-1)).toBe('release');
  expect(thread.held).toBe(0);
});

test('steps are resumed at once with what they yield', () => {
  const waiter = new BlockWaiter(new Scripted());
  function* steps(): Generator<unknown, unknown, unknown> {
    const a = yield 1;
    const b = yield [2];
    return [a, b];
  }
  expect(waiter.follow(steps())).toEqual([1, [2]]);
});
