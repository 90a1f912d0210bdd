/** The sockets of sessions that are over: all closed, in turns when they are many, whatever one of them throws. */
import { expect, it } from 'vitest';
import { createLog } from '../src/log.ts';
import { closeInShares } from '../src/session/closing.ts';
import { Shares } from '../src/session/shares.ts';

/** Each closing takes a millisecond of this clock. */
function setting() {
  let now = 0;
  const closed: number[] = [];
  const defects: unknown[] = [];
  let over: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    over = resolve;
  });
  const log = createLog('error', { write: (line: string) => void defects.push(line) });
  const means = {
    clock: { monotonic: () => now },
    shares: new Shares(() => 0),
    log,
    onEnd: over,
  };
  const close = (entry: number) => {
    now++;
    closed.push(entry);
  };
  return { means, closed, defects, ended, close };
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

it('few are closed at once', async () => {
  const { means, closed, ended, close } = setting();
  closeInShares(numbers(3), close, means);
  expect(closed).toEqual(numbers(3));
  await ended;
});

it('many are closed in turns, in which others come in between', async () => {
  const { means, closed, ended, close } = setting();
  closeInShares(numbers(100), close, means);
  expect(closed.length).toBeLessThan(20);
  let turns = 0;
  const count = () => {
    turns++;
    if (closed.length < 100) setImmediate(count);
  };
  setImmediate(count);
  await ended;
  expect(closed).toEqual(numbers(100));
  expect(turns).toBeGreaterThan(5);
});

it('one that does not close keeps no other open', async () => {
  const { means, closed, defects, ended, close } = setting();
  const stubborn = (entry: number) => {
    close(entry);
    if (entry % 2 === 0) throw new Error('no');
  };
  closeInShares(numbers(30), stubborn, means);
  await ended;
  expect(closed).toEqual(numbers(30));
  expect(defects).toHaveLength(15);
});

it('none are over at once', async () => {
  const { means, ended, close } = setting();
  closeInShares([], close, means);
  await ended;
});
