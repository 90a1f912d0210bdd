/** A session that outlives its WebSockets, under virtual time. */
import type { ClientFrame } from '@luasocket-web/shared/frames';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DatagramSocket, END, type Stream } from '../../src/core/channel.ts';
import { Descriptors } from '../../src/core/descriptors.ts';
import { Timeout } from '../../src/core/timeout.ts';
import * as usocket from '../../src/core/usocket.ts';
import { stringsOf } from '../../src/strings.ts';
import { connectedStream, opened } from './opened.ts';
import { outcome, PEER } from './scripted.ts';
import type { MiniatureRelay } from './virtual.ts';

const types = (frames: readonly ClientFrame[]) => frames.map(({ type }) => type);

test('another WebSocket may go another way: its own round trips count from then on', async () => {
  const { host, relay, session } = await opened();
  expect(session.relay.stats.roundtrip).toBeCloseTo(0.01);
  relay.latency = 100;
  await host.advance(6000);
  // Of the same WebSocket: that may be the queue of what is on its way.
  expect(session.relay.stats.roundtrip).toBeCloseTo(0.01);
  relay.cut();
  await host.advance(3000);
  expect(session.relay.state).toBe('connected');
  expect(session.relay.stats.roundtrip).toBeCloseTo(0.2);
});

describe('in the gap', () => {
  test('a barrier is settled at once, also one that was asked before, and its late answer is no fault', async () => {
    const { host, relay, session, states } = await opened();
    const before = session.channel.barrier();
    let woken = 0;
    before.subscribe(() => woken++);
    relay.cut();
    expect(outcome(before)).toBeUndefined();
    expect(woken).toBe(1);
    expect(outcome(session.channel.barrier())).toBeUndefined();
    await host.advance(300);
    expect(states).toEqual(['connected', 'reconnecting', 'connected']);
    // That one was sent again, and answered; that of the gap was never sent.
    expect(types(relay.got)).toEqual(['barrier']);
    const after = session.channel.barrier();
    expect(outcome(after)).toBe('pending');
    await host.advance(50);
    expect(outcome(after)).toBeUndefined();
    expect(types(relay.got)).toEqual(['barrier', 'barrier']);
    expect(states.at(-1)).toBe('connected');
  });

  test('send takes what the window has room for, and not a byte more', async () => {
    const all = await opened();
    const { host, relay } = all;
    const stream = await connectedStream(all);
    relay.unreachable = true;
    relay.cut();
    const data = Uint8Array.from({ length: 200_000 }, (_, index) => index & 255);
    let sent = 0;
    for (let took = -1; took !== 0; sent += took) took = stream.send(data, sent, data.length) as number;
    // A stream leaves something of the pool to others.
    expect(sent).toBeGreaterThan(65_536 / 2);
    expect(sent).toBeLessThanOrEqual(65_536);
    expect(stream.writable).toBe(false);
    await host.advance(3000);
    expect(stream.send(data, sent, data.length)).toBe(0);
    relay.unreachable = false;
    await host.advance(5000);
    expect(stream.writable).toBe(true);
    expect((stream.recv(100_000) as Uint8Array).length).toBe(sent);
  });

  test('connect begins, and the word on it comes after the resume', async () => {
    const { host, relay, session } = await opened();
    const [asked, waiting, refused] = [0, 1, 2].map(() => session.channel.tcp(4) as Stream) as [Stream, Stream, Stream];
    await host.advance(20);
    const early = asked.connect(PEER);
    expect(outcome(early)).toBe('pending');
    relay.cut();
    expect(outcome(early)).toBe('started');
    expect(outcome(waiting.connect(PEER))).toBe('started');
    expect(outcome(waiting.connect(PEER))).toBe('EALREADY');
    const respond = relay.respond;
    relay.respond = (frame) => {
      if (frame.type !== 'connect' || frame.socket !== 3) respond(frame);
      else relay.tell({ type: 'fail', request: frame.request, error: 'EACCES', detail: null });
    };
    expect(outcome(refused.connect(PEER))).toBe('started');
    expect([asked, waiting, refused].map(({ writable }) => writable)).toEqual([false, false, false]);
    await host.advance(300);
    expect([asked, waiting, refused].map(({ established }) => established)).toEqual([true, true, false]);
    expect(refused.writable).toBe(true);
    expect(refused.takeError()?.code).toBe('EACCES');
    expect(types(relay.got).filter((type) => type === 'connect')).toHaveLength(3);
  });

  test('one datagram to a new peer waits for the relay; its verdict becomes the pending error', async () => {
    const { host, relay, session } = await opened();
    const socket = session.channel.udp(4) as DatagramSocket;
    relay.cut();
    for (const byte of [1, 2, 3]) expect(outcome(socket.send(new Uint8Array([byte]), PEER))).toBeUndefined();
    relay.respond = (frame) => {
      if ('request' in frame) relay.tell({ type: 'fail', request: frame.request, error: 'EACCES', detail: null });
    };
    await host.advance(300);
    const sent = relay.got.flatMap((frame) => (frame.type === 'sendto' ? [frame.payload[0]] : []));
    expect(sent).toEqual([1]);
    expect(socket.takeError()?.code).toBe('EACCES');
    expect(outcome(socket.send(new Uint8Array([4]), PEER))).toBe('pending');
  });

  test('receive gives what is buffered, and keeps to its time limit', async () => {
    const all = await opened();
    const { host, relay, session } = all;
    const stream = await connectedStream(all);
    relay.tell({ type: 'data', socket: 1, payload: new Uint8Array([65, 66, 67]) });
    await host.advance(50);
    relay.unreachable = true;
    relay.cut();
    const descriptors = new Descriptors();
    const strings = stringsOf('utf8');
    const context = { channel: session.channel, descriptors, strings, patience: 'waits' } as const;
    const holder = { descriptor: descriptors.open(stream) as number, deaf: false };
    const receive = (limit: number) => {
      const timeout = new Timeout(limit);
      timeout.markStart(session.channel.now());
      return usocket.receive(context, holder, timeout, 2);
    };
    // Neither yields: there is nothing to wait for.
    expect(receive(0).next()).toEqual({ done: true, value: [new Uint8Array([65, 66])] });
    expect(receive(0).next()).toEqual({ done: true, value: [new Uint8Array([67])] });
    expect(receive(0).next()).toEqual({ done: true, value: usocket.IO_TIMEOUT });
    const waiting = receive(0.5);
    const wait = waiting.next();
    expect(wait).toMatchObject({ done: false, value: { deadline: session.channel.now() + 0.5 } });
    await host.advance(500);
    expect(waiting.next()).toEqual({ done: true, value: usocket.IO_TIMEOUT });
    relay.unreachable = false;
    await host.advance(5000);
    // The network has stalled, which nobody knows yet: the wait for the relay's word ends all the same.
    relay.respond = () => {};
    const last = receive(0);
    expect(last.next()).toMatchObject({ done: false, value: { deadline: session.channel.now() + 3 } });
    expect(last.next()).toEqual({ done: true, value: usocket.IO_TIMEOUT });
  });
});

describe('resuming', () => {
  test('what either end has not heard is sent again, once', async () => {
    const all = await opened();
    const { host, relay, session, states } = all;
    const stream = await connectedStream(all);
    let resumed = 0;
    session.relay.on('resumed', () => resumed++);
    stream.send(new Uint8Array([1]), 0, 1);
    const name = session.channel.hostname();
    // Neither arrives, and nor does what the relay says now.
    relay.respond = () => {};
    relay.tell({ type: 'data', socket: 1, payload: new Uint8Array([2]) });
    relay.cut();
    expect(states.at(-1)).toBe('reconnecting');
    const early = types(relay.got);
    // Frames of the gap go out afterwards, in order.
    stream.send(new Uint8Array([3]), 0, 1);
    await host.advance(200);
    expect(states).toEqual(['connected', 'reconnecting', 'connected']);
    expect(types(relay.got).slice(early.length)).toEqual(['data', 'hostname', 'data']);
    expect(stream.recv(9)).toEqual(new Uint8Array([2]));
    expect(stream.recv(9)).toBeNull();
    expect(name.settled).toBe(false);
    expect(resumed).toBe(1);
    expect(session.relay.stats.resumes).toBe(1);
  });

  test('datagrams of the gap are lost', async () => {
    const { host, relay, session } = await opened();
    const socket = session.channel.udp(4);
    if (!('send' in socket) || socket.kind !== 'udp') throw new Error('no socket');
    socket.send(new Uint8Array(1), PEER);
    await host.advance(50);
    relay.cut();
    expect(socket.send(new Uint8Array(1), PEER).settled).toBe(true);
    await host.advance(200);
    socket.send(new Uint8Array(2), PEER);
    await host.advance(20);
    const datagrams = relay.gotUnsequenced.filter((frame) => frame.type === 'datagram');
    expect(datagrams.map((frame) => frame.type === 'datagram' && frame.payload.length)).toEqual([2]);
  });

  test('is tried again and again, slower and slower, until the relay is there', async () => {
    const { host, relay, states } = await opened();
    relay.unreachable = true;
    relay.cut();
    await host.advance(2000);
    const soon = relay.wires.length;
    expect(soon).toBeGreaterThan(4);
    await host.advance(20_000);
    expect(relay.wires.length - soon).toBeLessThan(10);
    relay.unreachable = false;
    await host.advance(5000);
    expect(states).toEqual(['connected', 'reconnecting', 'connected']);
  });

  test('an answer that is lost with its WebSocket does not lose the session', async () => {
    const { host, relay, states } = await opened();
    relay.cut();
    // RESUME arrives, RESUMED does not.
    while (relay.gotUnsequenced.at(-1)?.type !== 'resume') await host.advance(1);
    relay.cut();
    await host.advance(1000);
    expect(states).toEqual(['connected', 'reconnecting', 'connected']);
    expect(relay.generation).toBe(3);
  });

  const LOSSES: { [name: string]: [words: RegExp, bend: (relay: MiniatureRelay) => void] } = {
    'the relay is another process': [
      /restarted/,
      (relay) => {
        relay.epoch = new Uint8Array(8).fill(1);
      },
    ],
    'the relay does not know the session': [
      /cannot be resumed/,
      (relay) => {
        relay.refusal = { type: 'fault', code: 'not_resumable', message: 'the session cannot be resumed' };
      },
    ],
    'the relay does not know the key': [
      /does not know the key/,
      (relay) => {
        relay.key = new Uint8Array(32);
      },
    ],
    'the relay is away for too long': [
      /too long/,
      (relay) => {
        relay.unreachable = true;
      },
    ],
  };
  for (const [name, [words, bend]] of Object.entries(LOSSES)) {
    test(`is over when ${name}`, async () => {
      const all = await opened();
      const { host, relay, states, session, end } = all;
      const stream = await connectedStream(all);
      relay.tell({ type: 'data', socket: 1, payload: new Uint8Array([1, 2]) });
      await host.advance(50);
      bend(relay);
      relay.cut();
      const name = session.channel.hostname();
      await host.advance(40_000);
      expect(states).toEqual(['connected', 'reconnecting', 'lost']);
      expect(end.error?.message).toMatch(words);
      expect(outcome(name)).toBe('CLOSED');
      expect(stream.recv(9)).toEqual(new Uint8Array([1, 2]));
      expect(stream.recv(9)).toBe(END);
      const attempts = relay.wires.length;
      await host.advance(60_000);
      expect(relay.wires.length).toBe(attempts);
    });
  }

  test('a refusal that will pass is not the end', async () => {
    const { host, relay, states } = await opened();
    relay.refusal = { type: 'fault', code: 'limit', message: 'too many resumes' };
    relay.cut();
    await host.advance(1000);
    expect(states.at(-1)).toBe('reconnecting');
    relay.refusal = null;
    await host.advance(3000);
    expect(states.at(-1)).toBe('connected');
  });

  test('needs HMAC, which insecure pages have not', async () => {
    const { host, relay, end } = await opened((_, host) => {
      host.hmac = null;
    });
    relay.cut();
    await host.advance(10);
    expect(end.error?.message).toMatch(/insecure/);
  });

  test('does not happen after a fault, or a close in good order', async () => {
    for (const [code, state] of [
      [4012, 'lost'],
      [1000, 'closed'],
    ] as const) {
      const { host, relay, states } = await opened();
      relay.cut(code);
      await host.advance(1000);
      expect(states).toEqual(['connected', state]);
      expect(relay.wires.length).toBe(1);
    }
  });

  test('no byte is lost, doubled or reordered, wherever the WebSocket is cut', async () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(cuts, async (gaps) => {
        const all = await opened();
        const { host, relay } = all;
        const stream = await connectedStream(all);
        const pattern = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 31 + (index >> 8)) & 255);
        const read: Uint8Array[] = [];
        let sent = 0;
        let received = 0;
        const waits = [...gaps];
        for (let turn = 0; received < pattern.length && turn < 5000; turn++) {
          sent += stream.send(pattern, sent, Math.min(pattern.length, sent + 5000)) as number;
          for (let got = stream.recv(3000); got instanceof Uint8Array; got = stream.recv(3000)) {
            read.push(got.slice());
            received += got.length;
          }
          await host.advance(2);
          const wait = waits[0];
          if (wait !== undefined && turn >= wait) {
            waits.shift();
            waits.forEach((value, index) => {
              waits[index] = value + turn;
            });
            relay.cut();
          }
        }
        expect(Buffer.concat(read).equals(pattern)).toBe(true);
        expect(stream.recv(1)).toBeNull();
        all.session.close();
      }),
      { numRuns: 15 },
    );
  });
});

test('a session goes on at the node that has it', async () => {
  const { host, relay, states } = await opened((bent) => {
    bent.node = 'node1';
  });
  relay.cut();
  await host.advance(300);
  relay.cut();
  await host.advance(300);
  expect(states.at(-1)).toBe('connected');
  expect(relay.nodes).toEqual([null, 'node1', 'node1']);
});
