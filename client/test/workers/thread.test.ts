/** The blocking thread's end of a session, with the test in the place of the pump. */
import { decodeFrames, encodeFrame } from '@luasocket-web/shared/codec';
import type { Frame } from '@luasocket-web/shared/frames';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Failure, type Stream } from '../../src/core/channel.ts';
import { RingReader, RingWriter } from '../../src/transport/ring.ts';
import { BlockWaiter } from '../../src/wait/block.ts';
import { Control, INWARDS, newMemory, OUTWARDS, STATES } from '../../src/workers/memory.ts';
import { Mirror } from '../../src/workers/mirror.ts';
import { Thread } from '../../src/workers/thread.ts';

const LOCAL = { family: 4, address: '127.0.0.1', port: 40_000 } as const;
const PEER = { family: 4, address: '127.0.0.1', port: 7 } as const;

function begin() {
  const memory = newMemory();
  const ends: boolean[] = [];
  const thread = new Thread({
    memory,
    terms: { sockets: 8, upload: 1 << 20, download: 1 << 20 },
    post: null,
    ended: (dead) => ends.push(dead),
  });
  onTestFinished(() => thread.close());
  const inward = new RingWriter(memory.inward);
  const outward = new RingReader(memory.outward);
  /** What the thread has put into the ring: frames by type, everything else by kind. */
  const sent = (): string[] => {
    const found: string[] = [];
    for (let record = outward.read(); record; record = outward.read()) {
      const { kind, bytes } = record;
      const isFrame = kind === OUTWARDS.sequenced || kind === OUTWARDS.datagram;
      if (isFrame) found.push(...decodeFrames(bytes, 'client').map(({ type }) => type));
      else found.push(kind === OUTWARDS.close ? 'CLOSE' : 'FAULT');
    }
    return found;
  };
  const tell = (...frames: Frame[]) => inward.write(INWARDS.message, Buffer.concat(frames.map(encodeFrame)));
  const state = (name: 'reconnecting' | 'connected') =>
    inward.write(INWARDS.state, Uint8Array.of(STATES.indexOf(name)));
  return { memory, thread, ends, inward, sent, tell, state, control: new Control(memory) };
}

/** A stream that is connected; the test's first frames are through. */
function connected({ thread, tell, sent }: ReturnType<typeof begin>): Stream {
  const stream = thread.channel.tcp(4);
  if (stream instanceof Failure) throw new Error(stream.code);
  stream.connect(PEER);
  expect(sent()).toEqual(['open', 'connect']);
  tell({ type: 'connected', socket: 1, local: LOCAL, peer: PEER });
  thread.take();
  expect(stream.established).toBe(true);
  return stream;
}

test('frames gather while a call runs, and the bell rings once', () => {
  const { thread, memory, sent } = begin();
  const rings = () => Atomics.load(new Int32Array(memory.control), 0);
  thread.hold();
  thread.channel.tcp(4);
  thread.channel.hostname();
  expect(rings()).toBe(0);
  thread.release();
  expect(rings()).toBe(1);
  expect(sent()).toEqual(['open', 'hostname']);
});

test('data that came before the end is read before it', () => {
  const all = begin();
  const stream = connected(all);
  all.tell({ type: 'data', socket: 1, payload: Uint8Array.of(1, 2) });
  all.inward.write(INWARDS.ended, Uint8Array.of(1));
  all.thread.take();
  expect(all.thread.relay.state).toBe('lost');
  expect(stream.recv(10)).toEqual(Uint8Array.of(1, 2));
  expect(stream.readable).toBe(true);
  expect(all.thread.channel.tcp(4)).toEqual(new Failure('CLOSED'));
  // Whoever ended it goes by itself.
  expect(all.ends).toEqual([false]);
});

test('states and resumes are told in order, when the thread takes them in; asking takes them in', () => {
  const { thread, state, inward } = begin();
  const told: string[] = [];
  thread.relay.on('state', (name) => told.push(name));
  thread.relay.on('resumed', () => told.push('resumed'));
  state('connected');
  state('reconnecting');
  state('connected');
  inward.write(INWARDS.resumed, new Uint8Array(0));
  expect(told).toEqual([]);
  expect(thread.relay.state).toBe('connected');
  expect(told).toEqual(['reconnecting', 'connected', 'resumed']);
});

test('what breaks the protocol ends the session, and the relay is to hear of it', () => {
  const all = begin();
  all.inward.write(INWARDS.message, Uint8Array.of(0xc1));
  all.thread.take();
  expect(all.thread.relay.state).toBe('lost');
  expect(all.sent()).toEqual(['FAULT']);
});

test('closing sends the sockets’ CLOSE first', () => {
  const all = begin();
  connected(all);
  all.thread.relay.close();
  expect(all.sent()).toEqual(['close', 'CLOSE']);
  expect(all.thread.relay.state).toBe('closed');
  all.thread.relay.close();
  expect(all.sent()).toEqual([]);
});

test('a listener of frames sees those of the link, and must not wait', () => {
  const all = begin();
  const { thread, tell, inward, control } = all;
  const waiter = new BlockWaiter(thread);
  const seen: string[] = [];
  const thrown: unknown[] = [];
  const off = thread.relay.on('frame', ({ direction, frame }) => {
    seen.push(`${direction} ${frame.type}`);
    if (frame.type !== 'data') return;
    try {
      waiter.run(
        (function* () {
          yield { sources: [], ready: () => false, deadline: Number.POSITIVE_INFINITY };
        })(),
      );
    } catch (error) {
      thrown.push(error);
    }
  });
  thread.take();
  expect(control.get('tapped')).toBe(1);
  connected(all);
  inward.write(INWARDS.frameSent, encodeFrame({ type: 'ping', token: 1 }));
  inward.write(INWARDS.frameReceived, encodeFrame({ type: 'pong', token: 1, time: 1 }));
  tell({ type: 'data', socket: 1, payload: Uint8Array.of(1) });
  thread.take();
  expect(seen).toEqual([
    'sent open',
    'sent connect',
    'received connected',
    'sent ping',
    'received pong',
    'received data',
  ]);
  expect(thrown).toEqual([new Error("a listener of 'frame' or 'denied' cannot wait")]);
  off();
  thread.take();
  expect(control.get('tapped')).toBe(0);
});

test('a pump that takes nothing out and gives no sign of life is dead: the session is lost, not stuck', () => {
  const all = begin();
  const stream = connected(all);
  const data = new Uint8Array(1 << 20);
  // More than the ring has room for.
  stream.send(data, 0, data.length);
  expect(all.thread.relay.state).toBe('lost');
  expect(all.ends).toEqual([true]);
  expect(stream.send(data, 0, 1)).toBeInstanceOf(Failure);
});

test('the pump’s roundtrip is what credit grows with', () => {
  const all = begin();
  const stream = connected(all);
  const { thread, control, tell, sent } = all;
  let time = 1000;
  const now = vi.spyOn(performance, 'now').mockImplementation(() => time);
  onTestFinished(() => void now.mockRestore());
  const mirror = new Mirror(control.mirror, control.mirrorAt);
  const grown = () => {
    for (let step = 0; step < 12; step++) {
      time += 25;
      tell({ type: 'data', socket: 1, payload: new Uint8Array(200_000) });
      thread.take();
      for (let got = stream.recv(200_000); got instanceof Uint8Array; got = stream.recv(200_000));
    }
    return sent().filter((type) => type === 'pool').length;
  };
  const roundtrip = (seconds: number) => mirror.write({ ...mirror.read(), roundtrip: seconds });
  roundtrip(Number.NaN);
  expect(thread.roundtrip).toBeNull();
  expect(grown()).toBe(0);
  roundtrip(0.1);
  expect(thread.relay.stats.roundtrip).toBe(0.1);
  expect(grown()).toBe(1);
});
