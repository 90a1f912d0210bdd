/** The link: nothing lost, doubled or reordered whatever is cut, and acknowledgements that come in time but seldom. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ProtocolError } from '@luasocket-web/shared/errors';
import { FRAMES, type Frame, type FrameName } from '@luasocket-web/shared/frames';
import { ACK_BYTES, ACK_FRAMES, ACK_MILLISECONDS } from '@luasocket-web/shared/limits';
import { isSequenced, Link } from '@luasocket-web/shared/link';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Pair, type PairOptions } from './pair.ts';

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return error instanceof ProtocolError ? error.code : 'another error';
  }
  return 'none';
};
const frame = (n: number) => Uint8Array.from([n]);
const linkThatSent = (count: number) => {
  const link = new Link();
  for (let n = 1; n <= count; n++) link.sent(frame(n));
  return link;
};

test('frames of the link itself and datagrams are not sequenced, all others are', () => {
  const not = (Object.keys(FRAMES) as FrameName[]).filter((type) => !isSequenced(type));
  expect(not.map((type) => FRAMES[type].code)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 51]);
});

describe('acknowledgement', () => {
  test('nothing received, nothing due', () => {
    const link = new Link();
    expect([link.ackDue(1e9), link.ackAt(), link.receivedCount]).toEqual([false, Number.POSITIVE_INFINITY, 0]);
  });

  test('due a second after the first frame that is not told, not after the last', () => {
    const link = new Link();
    link.received(10);
    expect(link.ackDue(1000)).toBe(false);
    expect(link.ackAt()).toBe(1000 + ACK_MILLISECONDS);
    link.received(10);
    expect(link.ackDue(1000 + ACK_MILLISECONDS - 1)).toBe(false);
    expect(link.ackDue(1000 + ACK_MILLISECONDS)).toBe(true);
    expect(link.takeAck()).toBe(2);
    expect([link.ackDue(5000), link.ackAt()]).toEqual([false, Number.POSITIVE_INFINITY]);
    link.received(10);
    expect(link.ackDue(6000)).toBe(false);
    expect(link.ackAt()).toBe(6000 + ACK_MILLISECONDS);
  });

  test('due at once after 128 frames or 64 KiB', () => {
    const many = new Link();
    for (let n = 1; n < ACK_FRAMES; n++) many.received(1);
    expect(many.ackDue(0)).toBe(false);
    many.received(1);
    expect(many.ackDue(0)).toBe(true);
    const large = new Link();
    large.received(ACK_BYTES - 1);
    expect(large.ackDue(0)).toBe(false);
    large.received(1);
    expect(large.ackDue(0)).toBe(true);
  });

  test('told, frames and bytes count from nothing again', () => {
    const link = new Link();
    for (let n = 0; n < 3; n++) {
      for (let i = 1; i < ACK_FRAMES; i++) link.received(ACK_BYTES / ACK_FRAMES);
      expect(link.ackDue(0)).toBe(false);
      link.takeAck();
    }
    link.received(ACK_BYTES - 1);
    expect(link.ackDue(0)).toBe(false);
  });

  test('lets go of what it covers, though it may be large and more is under way', async () => {
    const link = new Link();
    const first = (() => {
      const encoded = new Uint8Array(100_000);
      link.sent(encoded);
      return new WeakRef(encoded);
    })();
    link.sent(frame(2));
    link.acknowledged(1);
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    // A WeakRef is not cleared in the turn that made it.
    await new Promise((resolve) => setTimeout(resolve, 0));
    collect();
    expect(first.deref()).toBeUndefined();
    expect(link.replay(1)).toEqual([frame(2)]);
  });

  test('releases what it covers', () => {
    const link = linkThatSent(5);
    link.acknowledged(3);
    expect([link.unacknowledgedFrames, link.unacknowledgedBytes]).toEqual([2, 2]);
    link.acknowledged(3);
    link.acknowledged(5);
    expect([link.unacknowledgedFrames, link.unacknowledgedBytes]).toEqual([0, 0]);
    link.sent(frame(6));
    link.acknowledged(6);
    expect(link.unacknowledgedFrames).toBe(0);
  });

  test.each([2, 6, -1, 3.5, Number.NaN, 2 ** 53])('of %d frames is unexpected when 3 to 5 are possible', (received) => {
    const link = linkThatSent(5);
    link.acknowledged(3);
    expect(codeOf(() => link.acknowledged(received))).toBe('unexpected');
    expect(link.unacknowledgedFrames).toBe(2);
  });
});

describe('replay', () => {
  test('is what the peer lacks, in order, and again if it is lost again', () => {
    const link = linkThatSent(5);
    link.acknowledged(1);
    expect(link.replay(2)).toEqual([3, 4, 5].map(frame));
    link.sent(frame(6));
    expect(link.replay(2)).toEqual([3, 4, 5, 6].map(frame));
    expect(link.replay(6)).toEqual([]);
  });

  test.each([2, 6, -1, 4.5])('a peer that says %d has a gap', (received) => {
    const link = linkThatSent(5);
    link.acknowledged(3);
    expect(codeOf(() => link.replay(received))).toBe('not_resumable');
    expect(link.unacknowledgedFrames).toBe(2);
  });

  test('against a plain list, over long runs', () => {
    const step = fc.oneof(
      fc.record({ send: fc.integer({ min: 1, max: 1500 }) }),
      fc.record({ ack: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.record({ resume: fc.double({ min: 0, max: 1, noNaN: true }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const link = new Link();
        const all: Uint8Array[] = [];
        let acknowledged = 0;
        for (const each of steps) {
          if ('send' in each) {
            for (let n = 0; n < each.send; n++) {
              const encoded = new Uint8Array(all.length % 5);
              all.push(encoded);
              link.sent(encoded);
            }
          } else {
            acknowledged += Math.floor((all.length - acknowledged) * ('ack' in each ? each.ack : each.resume));
            if ('ack' in each) link.acknowledged(acknowledged);
            else {
              const again = link.replay(acknowledged);
              expect(again.length).toBe(all.length - acknowledged);
              expect(again.every((encoded, i) => encoded === all[acknowledged + i])).toBe(true);
            }
          }
          expect(link.unacknowledgedFrames).toBe(all.length - acknowledged);
          expect(link.unacknowledgedBytes).toBe(all.slice(acknowledged).reduce((sum, { length }) => sum + length, 0));
        }
      }),
    );
  });
});

/** Both ends say 40 requests or answers at their own times, and send two streams. */
function conversation(options: Partial<PairOptions>): Pair {
  const pair = new Pair({ latency: 7, pool: 32_768, gather: false, ...options });
  for (let n = 0; n < 40; n++) {
    pair.timeline.at(n * 11, () => {
      pair.client.say({ type: 'getsockname', request: n, socket: 1 });
      pair.client.say({ type: 'ping', token: n });
      pair.client.turn();
    });
    pair.timeline.at(n * 13, () => {
      pair.relay.say({ type: 'reply', request: n, value: n });
      pair.relay.turn();
    });
  }
  pair.client.write(1, 60_000);
  pair.relay.write(1, 50_000);
  pair.relay.write(2, 3000);
  return pair;
}

function expectComplete(pair: Pair): void {
  expect(pair.relay.heard).toEqual(pair.client.said);
  expect(pair.client.heard).toEqual(pair.relay.said);
  expect(pair.client.said).toHaveLength(40);
  expect(pair.relay.said).toHaveLength(40);
  expect(pair.relay.incoming.get(1)?.received).toBe(60_000);
  expect(pair.client.incoming.get(1)?.received).toBe(50_000);
  expect(pair.client.incoming.get(2)?.received).toBe(3000);
  for (const end of [pair.client, pair.relay]) {
    expect([end.link.unacknowledgedFrames, end.link.unacknowledgedBytes]).toEqual([0, 0]);
  }
}

describe('two ends', () => {
  test('without cuts', () => {
    const pair = conversation({});
    pair.run();
    expectComplete(pair);
  });

  test('cut after each single message', () => {
    const whole = conversation({});
    whole.run();
    expect(whole.delivered).toBeGreaterThan(100);
    for (let cut = 1; cut <= whole.delivered; cut++) {
      const pair = conversation({ cuts: [cut] });
      pair.run();
      expect(pair.cutsDone).toBe(1);
      expectComplete(pair);
    }
  });

  test('cut again and again, at any latency', () => {
    const options = fc.record({
      latency: fc.nat({ max: 300 }),
      gap: fc.nat({ max: 1000 }),
      gather: fc.boolean(),
      cuts: fc.uniqueArray(fc.integer({ min: 1, max: 200 }), { maxLength: 20 }),
    });
    fc.assert(
      fc.property(options, (each) => {
        const pair = conversation(each);
        pair.run();
        expectComplete(pair);
      }),
      { numRuns: 60 },
    );
  });

  test('cut as soon as anything has arrived, 1000 times', () => {
    const cuts = Array.from({ length: 1000 }, (_, i) => i * 3 + 3);
    const pair = conversation({ cuts, gap: 1 });
    // The streams alone would be over too soon.
    const more: Frame[] = Array.from({ length: 3000 }, (_, n) => ({ type: 'reply', request: 100 + n, value: null }));
    for (const [n, said] of more.entries()) {
      pair.timeline.at(600 + n, () => {
        pair.relay.say(said);
        pair.relay.turn();
      });
    }
    pair.run();
    expect(pair.cutsDone).toBeGreaterThan(900);
    expect(pair.client.heard).toEqual(pair.relay.said);
    expect(pair.relay.said).toHaveLength(3040);
  });

  test('acknowledgements are seldom, and keep what is remembered small', () => {
    const pair = new Pair({ latency: 20, pool: 1024 * 1024, gather: true });
    pair.relay.write(1, 20 * 1024 * 1024);
    for (let n = 0; n < 3000; n++) {
      pair.timeline.at(n, () => {
        pair.client.say({ type: 'getsockname', request: n, socket: 1 });
        pair.client.turn();
      });
    }
    pair.run();
    for (const end of [pair.client, pair.relay]) {
      const { acks, sequenced, bytes } = end.counts;
      const most = sequenced / ACK_FRAMES + bytes / ACK_BYTES + pair.timeline.now / ACK_MILLISECONDS + 1;
      expect(acks).toBeLessThanOrEqual(most);
    }
    // A pool on its way, and what may stay unacknowledged for a roundtrip.
    expect(pair.relay.peaks.unacknowledged).toBeLessThan(1024 * 1024 + 2 * ACK_BYTES + 8192);
    expect(pair.client.peaks.unacknowledged).toBeLessThan(8192);
  });
});
