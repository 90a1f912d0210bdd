/** The pump, with the test in the places of the relay and of a thread that blocks: what waits while nobody takes anything. */
import { decodeFrames, encodeFrame } from '@luasocket-web/shared/codec';
import type { Frame } from '@luasocket-web/shared/frames';
import { MAX_DATA, POOL_INITIAL, POOL_MAX } from '@luasocket-web/shared/limits';
import { expect, onTestFinished, test } from 'vitest';
import type { WebSocketConstructor } from '../../src/api.ts';
import { Bell } from '../../src/transport/bell.ts';
import { RingReader, RingWriter } from '../../src/transport/ring.ts';
import { Control, type FromPump, INWARDS, newMemory, OUTWARDS } from '../../src/workers/memory.ts';
import { Pump } from '../../src/workers/pump.ts';

/** Bytes of a small payload: its frame takes more than that again. */
const CRUMB = 8;

type Listener = (event: { data?: unknown; code?: number; reason?: string }) => void;

/** A WebSocket that says what the test tells it to. */
class Scripted {
  static last: Scripted;
  binaryType = 'blob';
  readonly bufferedAmount = 0;
  readonly sent: Frame[] = [];
  readonly #listeners = new Map<string, Listener[]>();

  constructor() {
    Scripted.last = this;
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  send(message: Uint8Array): void {
    this.sent.push(...decodeFrames(message.slice(), 'client'));
  }

  close(code = 1000, reason = ''): void {
    this.fire('close', { code, reason });
  }

  fire(type: string, event: Parameters<Listener>[0] = {}): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event);
  }

  tell(...frames: Frame[]): void {
    const message = new Uint8Array(Buffer.concat(frames.map(encodeFrame)));
    this.fire('message', { data: message.buffer });
  }
}

async function begin() {
  const memory = newMemory();
  const control = new Control(memory);
  const posted: FromPump[] = [];
  const pump = new Pump(
    { type: 'start', url: 'ws://relay', ticket: null, memory, post: false },
    {
      WebSocket: Scripted as unknown as WebSocketConstructor,
      post: (message) => posted.push(message),
      close: () => {},
    },
  );
  pump.start();
  const relay = Scripted.last;
  relay.fire('open');
  const bytes = (length: number) => new Uint8Array(length);
  relay.tell({ type: 'challenge', version: 1, nonce: bytes(32), epoch: bytes(8) });
  relay.tell({
    type: 'welcome',
    version: 1,
    session: bytes(16),
    key: bytes(32),
    epoch: bytes(8),
    mode: 'development',
    resumeSeconds: 30,
    sockets: 8,
    upload: POOL_INITIAL,
    download: POOL_INITIAL,
    time: 0,
    node: null,
  });
  expect(posted.map(({ type }) => type)).toEqual(['started', 'opened']);
  const inward = new RingReader(memory.inward);
  const bell = new Bell(control.bell('pumpBell'), null);
  const outward = new RingWriter(memory.outward);
  onTestFinished(() => {
    outward.write(OUTWARDS.close, bytes(0));
    bell.ring();
  });
  return { relay, control, inward, bell };
}

/** What the thread reads once it runs again, as it does: it rings when the pump waits for room. */
async function readAll({ control, inward, bell }: Awaited<ReturnType<typeof begin>>): Promise<Uint8Array[]> {
  const payloads: Uint8Array[] = [];
  for (;;) {
    for (let record = inward.read(); record; record = inward.read()) {
      if (record.kind !== INWARDS.message) continue;
      for (const frame of decodeFrames(record.bytes.slice(), 'relay')) {
        if (frame.type === 'data') payloads.push(frame.payload);
      }
    }
    if (control.get('pumpStalled') === 0) return payloads;
    bell.ring();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('a thread that sleeps while the largest pool is sent finds all of it, in order', async () => {
  const all = await begin();
  const { relay, control } = all;
  let sent = 0;
  for (let index = 0; sent < POOL_MAX; index++) {
    const payload = new Uint8Array(Math.min(MAX_DATA, POOL_MAX - sent)).fill(index);
    sent += payload.length;
    relay.tell({ type: 'data', socket: 1, payload });
  }
  expect(control.get('pumpStalled')).toBe(1);
  const payloads = await readAll(all);
  expect(payloads.reduce((sum, { length }) => sum + length, 0)).toBe(POOL_MAX);
  expect(payloads.every((payload, index) => payload[0] === index && payload.at(-1) === index)).toBe(true);
  expect(relay.sent.some(({ type }) => type === 'fault')).toBe(false);
});

test('the largest pool in crumbs is no reason to give up', async () => {
  const all = await begin();
  const { relay } = all;
  const crumb: Frame = { type: 'data', socket: 1, payload: new Uint8Array(CRUMB) };
  const message = new Uint8Array(Buffer.concat(Array.from({ length: 8192 }, () => encodeFrame(crumb))));
  for (let sent = 0; sent < POOL_MAX; sent += CRUMB * 8192) relay.fire('message', { data: message.slice().buffer });
  expect((await readAll(all)).length).toBe(POOL_MAX / CRUMB);
  expect(relay.sent.some(({ type }) => type === 'fault')).toBe(false);
});
