/** Whose message is done when: shares of turns, in order, and nothing twice. */
import { describe, expect, test } from 'vitest';
import { Inbox } from '../src/session/inbox.ts';
import { Shares } from '../src/session/shares.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Time that only work takes. */
class Time {
  now = 0;
  readonly shares = new Shares(() => this.now);
}

/** An inbox whose frames each take a millisecond; a message is a list of numbers. */
function make(time = new Time()) {
  const { shares } = time;
  const done: number[] = [];
  const waits: boolean[] = [];
  const errors: unknown[] = [];
  const inbox: Inbox<readonly number[], number> = new Inbox({
    shares,
    now: () => time.now,
    decode: (message) => {
      if (message.length === 0) throw new Error('empty');
      return message;
    },
    perform: (frames) => {
      time.now += frames.length;
      done.push(...frames);
    },
    failed: (error) => {
      errors.push(error);
      inbox.stop();
    },
    waits: (on) => waits.push(on),
  });
  return { inbox, done, waits, errors, add: (...message: number[]) => inbox.add(message, time.now) };
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('a WebSocket’s inbox', () => {
  test('does messages as they come while its share of the turn lasts', () => {
    const { add, done, waits } = make();
    add(1, 2);
    add(3);
    expect(done).toEqual([1, 2, 3]);
    expect(waits).toEqual([]);
  });

  test('leaves the rest for later turns, in order, and says so', async () => {
    const { add, done, waits, inbox } = make();
    for (const n of upTo(100)) add(n);
    expect(done.length).toBeLessThan(20);
    expect(waits).toEqual([true]);
    while (inbox.waiting) {
      const before = done.length;
      await turn();
      expect(done.length - before).toBeLessThan(20);
    }
    expect(done).toEqual(upTo(100));
    expect(waits).toEqual([true, false]);
  });

  test('does a long message in pieces', async () => {
    const { add, done, inbox } = make();
    add(...upTo(1000));
    expect(done.length).toBeLessThan(100);
    add(1000);
    while (inbox.waiting) await turn();
    expect(done).toEqual(upTo(1001));
  });

  test('the more of them have much to do, the less each does in a turn', async () => {
    const time = new Time();
    const busy = Array.from({ length: 8 }, () => make(time));
    for (const { add } of busy) for (const n of upTo(50)) add(n);
    const before = busy.map(({ done }) => done.length);
    await turn();
    const during = busy.map(({ done }, i) => done.length - (before[i] ?? 0));
    expect(during.reduce((sum, each) => sum + each, 0)).toBeLessThan(8 * 4);
    for (const { inbox } of busy) while (inbox.waiting) await turn();
    for (const { done } of busy) expect(done).toEqual(upTo(50));
  });

  test('many who each ask for little more than nothing in every turn do not take all of it', async () => {
    const time = new Time();
    const many = Array.from({ length: 50 }, () => make(time));
    for (let round = 0; round < 5; round++) {
      const from = time.now;
      for (const { add } of many) add(round, round);
      await turn();
      expect(time.now - from).toBeLessThan(45);
    }
    while (many.some(({ inbox }) => inbox.waiting)) {
      const from = time.now;
      await turn();
      expect(time.now - from).toBeLessThan(10);
    }
    for (const { done } of many) expect(done).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
  });

  test('who asks for little is served at once, however many wait', async () => {
    const time = new Time();
    const many = Array.from({ length: 50 }, () => make(time));
    for (const { add } of many) for (const n of upTo(20)) add(n);
    await turn();
    expect(many.every(({ inbox }) => inbox.waiting)).toBe(true);
    const light = make(time);
    light.add(1);
    expect(light.done).toEqual([1]);
    // That was its share of a turn in which so many wait.
    light.add(2);
    expect(light.done).toEqual([1]);
    while (light.inbox.waiting) await turn();
    // It has asked for much by now, and has to wait even if it was quiet for a little; after a while it has not.
    time.now += 10;
    for (const { add } of many) for (const n of upTo(20)) add(n);
    light.add(3);
    expect(light.done).toEqual([1, 2]);
    while (many.some(({ inbox }) => inbox.waiting)) await turn();
    await turn();
    time.now += 1000;
    for (const { add } of many) for (const n of upTo(20)) add(n);
    await turn();
    light.add(4);
    expect(light.done).toEqual([1, 2, 3, 4]);
  });

  test('very many who each ask for little wait, too', async () => {
    const time = new Time();
    const many = Array.from({ length: 1000 }, () => make(time));
    for (const { add } of many) add(1);
    expect(time.now).toBeLessThan(45);
    for (;;) {
      const from = time.now;
      await turn();
      expect(time.now - from).toBeLessThan(10);
      if (time.now === from) break;
    }
    for (const { done } of many) expect(done).toEqual([1]);
  });

  test('those who wait are served in order, and each before anybody has a second turn', async () => {
    const time = new Time();
    const many = Array.from({ length: 30 }, () => make(time));
    for (const { add } of many) for (const n of upTo(40)) add(n);
    let most = 0;
    while (many.some(({ inbox }) => inbox.waiting)) {
      const counts = many.map(({ done, inbox }) => (inbox.waiting ? done.length : 40));
      most = Math.max(most, Math.max(...counts) - Math.min(...counts));
      await turn();
    }
    // What the first one did as it came is a turn's worth, which the last had to wait for.
    expect(most).toBeLessThanOrEqual(40);
    for (const { done } of many) expect(done).toEqual(upTo(40));
  });

  test('one that is held does nothing, and goes on when it is not', async () => {
    const { add, done, inbox, waits } = make();
    inbox.hold(true);
    add(1);
    add(2);
    await turn();
    await turn();
    expect(done).toEqual([]);
    inbox.hold(false);
    while (inbox.waiting) await turn();
    expect(done).toEqual([1, 2]);
    expect(waits).toEqual([true, false]);
  });

  test('at the end of its WebSocket what is left is still done, in turns as before', async () => {
    const { add, done, inbox } = make();
    for (const n of upTo(100)) add(n);
    let over = 0;
    inbox.finish(() => over++);
    expect(done.length).toBeLessThan(20);
    while (over === 0) {
      const before = done.length;
      await turn();
      expect(done.length - before).toBeLessThan(20);
    }
    expect(done).toEqual(upTo(100));
    await turn();
    expect(over).toBe(1);
  });

  test('at its end it waits for its pace, and is over at once where nothing is left', async () => {
    const { add, done, inbox } = make();
    let over = false;
    inbox.hold(true);
    add(1);
    inbox.finish(() => {
      over = true;
    });
    await turn();
    expect([done, over]).toEqual([[], false]);
    inbox.hold(false);
    await turn();
    expect([done, over]).toEqual([[1], true]);
    let idle = false;
    make().inbox.finish(() => {
      idle = true;
    });
    expect(idle).toBe(true);
  });

  test('after a fault nothing more is done', async () => {
    const { add, done, errors } = make();
    add(1);
    add(); // which cannot be decoded
    for (const n of upTo(50)) add(n);
    await turn();
    expect(errors).toHaveLength(1);
    expect(done).toEqual([1]);
  });
});
