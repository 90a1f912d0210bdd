/** Too much of one thing, for some seconds each, within the relay's default limits and up to them. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { encodeFrame } from '../../shared/src/codec.ts';
import { FRAMES } from '../../shared/src/frames.ts';
import type { Random } from '../chaos/random.ts';
import type { Packable } from '../fixtures/msgpack.ts';
import type { Attack } from './attack.ts';
import { endpoint } from './grammar.ts';
import { bomb } from './mutate.ts';
import { greet } from './session.ts';
import { packWildly } from './values.ts';
import { dial, frameBytes, RawSocket, upgradeRequest } from './wire.ts';

/** Connections of one attacker that do nothing, and requests that come byte by byte; two attackers reach the limits. */
const IDLE_SOCKETS = 1200;
const SLOW_REQUESTS = 1200;
/** Sessions of one attacker that send as fast as the relay reads. */
const SESSIONS = 4;
/** Bytes of one message of theirs. */
const MESSAGE = 16 * 1024;
/** Connections of one attacker at once, where each is short. */
const WIDTH = 16;

const wait = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
const code = (name: keyof typeof FRAMES): number => FRAMES[name].code;

interface Flood extends Attack {
  readonly random: Random;
  /** On the clock of `performance`. */
  readonly until: number;
  readonly over: () => boolean;
}

type Run = (flood: Flood) => Promise<void>;

const FLOODS = {
  'slow handshakes': async (flood: Flood) => {
    await Promise.all([
      ...Array.from({ length: IDLE_SOCKETS }, () => repeat(flood, silentWebSocket)),
      ...Array.from({ length: SLOW_REQUESTS }, () => repeat(flood, slowRequest)),
    ]);
  },

  'open and close': (flood) =>
    sessions(flood, (number) => {
      const open = frame('open', number, number % 2, 4);
      return Buffer.concat([open, frame('close', number, 0)]);
    }),

  'attempts to connect': (flood) =>
    sessions(flood, (number) => {
      const at = endpoint(flood.targets.address, flood.random.between(1, 65_535));
      return Buffer.concat([
        frame('open', number, 0, 4),
        frame('connect', number, number, at),
        frame('close', number, 0),
      ]);
    }),

  'look-ups': (flood) =>
    sessions(flood, (number) =>
      frame('resolve', number, `n${number}.${flood.random.between(0, 9)}.example`, '80', 0, 0, 0),
    ),

  'UDP peers': (flood) => {
    const open = frame('open', 1, 1, 4);
    const payload = Buffer.alloc(64);
    return sessions(flood, (number) => {
      const peer = endpoint(
        `127.1.${flood.random.between(0, 255)}.${flood.random.between(1, 254)}`,
        1 + (number % 65_535),
      );
      const send = number % 2 === 0 ? frame('datagram', 1, peer, payload) : frame('sendto', number, 1, peer, payload);
      return number === 1 ? Buffer.concat([open, send]) : send;
    });
  },

  'tiny frames': (flood) => sessions(flood, (number) => frame('ping', number)),
  'tiny messages': (flood) => sessions(flood, (number) => frame('ping', number), true),
  requests: (flood) => sessions(flood, (number) => frame('hostname', number)),

  'forged resumes': (flood) =>
    short(flood, (raw) => {
      const resume = {
        type: 'resume',
        version: 1,
        session: randomBytes(16),
        generation: 2,
        received: 0,
        mac: randomBytes(32),
      } as const;
      raw.send(encodeFrame(resume));
    }),

  'msgpack bombs': async (flood) => {
    const run = async (): Promise<void> => {
      while (!flood.over()) {
        const raw = await session(flood);
        if (!raw) continue;
        flood.counter.messages++;
        raw.send(bomb([], flood.random));
        await end(flood, raw);
      }
    };
    await Promise.all(Array.from({ length: WIDTH }, run));
  },

  'bad requests': (flood) => http(flood),
} as const satisfies { readonly [name: string]: Run };

export type FloodName = keyof typeof FLOODS | 'everything';
/** In the order in which they are tried. */
export const FLOOD_NAMES: readonly FloodName[] = [...(Object.keys(FLOODS) as FloodName[]), 'everything'];

/** Runs one for so long; `everything`: all of them at once. */
export async function flood(name: FloodName, attack: Attack, random: Random, seconds: number): Promise<void> {
  const until = performance.now() + seconds * 1000;
  const context: Flood = { ...attack, random, until, over: () => performance.now() >= until };
  const runs: readonly Run[] = name === 'everything' ? Object.values(FLOODS) : [FLOODS[name]];
  await Promise.all(runs.map((run) => run(context)));
}

function frame(name: keyof typeof FRAMES, ...fields: Packable[]): Buffer {
  return packWildly([code(name), ...fields], PLAIN);
}

/** Always the shortest form but one: what it is does not matter here. */
const PLAIN = { of: <T>(list: readonly [T, ...T[]]): T => list[1] ?? list[0] };

async function repeat(flood: Flood, once: Run): Promise<void> {
  while (!flood.over()) await once(flood);
}

/** Waits for a sign, but not longer than told or than the flood lasts. */
async function over(flood: Flood, milliseconds: number, sign: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, Math.min(milliseconds, flood.until - performance.now())));
  });
  await Promise.race([sign, patience]);
  clearTimeout(timer);
}

/** A WebSocket that says nothing. */
async function silentWebSocket(flood: Flood): Promise<void> {
  flood.counter.connections++;
  let raw: RawSocket;
  try {
    raw = await RawSocket.open(flood.place, flood.address());
  } catch (error) {
    flood.counter.end((error as Error).message);
    return wait(250);
  }
  await over(flood, 20_000, raw.ended);
  flood.counter.end(raw.over ? await raw.ended : 'we left');
  raw.vanish();
}

/** An HTTP request that comes a byte a second. */
async function slowRequest(flood: Flood): Promise<void> {
  flood.counter.connections++;
  const socket = dial(flood.place, flood.address());
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.resume();
  const request = upgradeRequest(flood.place);
  for (let at = 0; at < request.length && !socket.destroyed && !flood.over(); at++) {
    socket.write(request.charAt(at));
    flood.counter.messages++;
    await over(flood, 1000, ended);
  }
  flood.counter.end(socket.destroyed ? 'closed by the relay' : 'we left');
  socket.destroy();
}

async function session(flood: Flood): Promise<RawSocket | null> {
  const { counter, mint, place, address } = flood;
  counter.connections++;
  const net = { tcp: ['127.1.0.0/16:*'], udp: ['127.1.0.0/16:*'] };
  const met = await greet(place, address(), mint.ticket({ net, resume: 0 }), (ending) => counter.end(ending));
  if (!met) {
    await wait(50);
    return null;
  }
  met.raw.onFrames = () => {};
  return met.raw;
}

/** Sessions that send what `make` makes, as fast as it is taken. What they are told they acknowledge. */
async function sessions(flood: Flood, make: (number: number) => Buffer, alone = false): Promise<void> {
  const run = async () => {
    while (!flood.over()) {
      const raw = await session(flood);
      if (!raw) continue;
      let received = 0;
      raw.onFrames = (frames) => {
        for (const { type } of frames) if (FRAMES[type].sequenced) received++;
      };
      for (let number = 0; !raw.over && !flood.over(); ) {
        const parts: Buffer[] = [frame('ack', received)];
        for (let length = 0; length < MESSAGE; length += parts.at(-1)?.length ?? 0) {
          const bytes = make(++number);
          parts.push(alone ? frameBytes(bytes) : bytes);
        }
        flood.counter.messages += alone ? parts.length : 1;
        const [ack = Buffer.alloc(0), ...rest] = parts;
        raw.raw(alone ? Buffer.concat([frameBytes(ack), ...rest]) : frameBytes(Buffer.concat(parts)));
        await raw.drained();
        // Lets what has come be read.
        await new Promise((resolve) => setImmediate(resolve));
      }
      await end(flood, raw);
    }
  };
  await Promise.all(Array.from({ length: SESSIONS }, run));
}

/** Connections that say one thing. */
async function short(flood: Flood, say: (raw: RawSocket) => void): Promise<void> {
  const { counter, place, address } = flood;
  const run = async () => {
    while (!flood.over()) {
      counter.connections++;
      try {
        const raw = await RawSocket.open(place, address());
        counter.messages++;
        say(raw);
        await end(flood, raw);
      } catch (error) {
        counter.end((error as Error).message);
      }
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, run));
}

/** Waits for a connection's end, which it counts. */
async function end(flood: Flood, raw: RawSocket): Promise<void> {
  await over(flood, 20_000, raw.ended);
  flood.counter.end(raw.over ? await raw.ended : 'we left');
  raw.vanish();
}

/** HTTP as nobody needs it: big, endless, of another origin, or none. */
function badRequest({ place, random }: Flood): string {
  const lines = (count: number, length: number) =>
    Array.from({ length: count }, (_, i) => `X-${i}: ${'a'.repeat(length)}\r\n`).join('');
  return random.of<() => string>([
    () => upgradeRequest(place, lines(1, 15_000)),
    () => upgradeRequest(place, lines(1, 200_000)),
    () => upgradeRequest(place, lines(1500, 1)),
    () => upgradeRequest(place, lines(5000, 100)),
    () => upgradeRequest({ ...place, origin: 'https://evil.example' }),
    () => upgradeRequest({ ...place, origin: `${place.origin}.evil.example` }),
    () => upgradeRequest(place, 'X-Forwarded-For: 127.0.0.1, 10.0.0.1\r\n').replace('/relay', '/metrics'),
    () => `GET /${'a'.repeat(random.between(1, 100_000))} HTTP/1.1\r\nHost: x\r\n\r\n`,
    () => `POST /relay HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n${'a'.repeat(65_536)}`,
    () => `POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${'1\r\na\r\n'.repeat(5000)}`,
    () => 'GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(500),
    () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    () => randomBytes(random.between(1, 5000)).toString('latin1'),
  ])();
}

async function http(flood: Flood): Promise<void> {
  const { counter, place, address } = flood;
  const run = async () => {
    while (!flood.over()) {
      counter.connections++;
      counter.messages++;
      const socket: Socket = dial(place, address());
      let answer = '';
      socket.setEncoding('latin1').on('data', (text: string) => {
        if (answer.length < 12) answer += text;
      });
      const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      socket.write(badRequest(flood), 'latin1');
      socket.end();
      await over(flood, 10_000, ended);
      counter.end(answer === '' ? 'cut' : `http ${answer.slice(9, 12)}`);
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, run));
}
