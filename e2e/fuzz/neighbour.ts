/**
 * The neighbour: a good client of the relay under attack, in a process of its own. It plays ping-pong over TCP and UDP,
 * downloads slowly, and lets a newcomer open a session now and then; it counts each byte and times each turn.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { connect } from 'luasocket-web';
import WebSocket from 'ws';
import { Flow } from '../chaos/pattern.ts';
import { made, type Namespace } from '../chaos/program.ts';
import { answerWith } from './children.ts';
import { greet } from './session.ts';
import { Mint } from './tickets.ts';
import type { Place } from './wire.ts';

const ADDRESS = '127.2.0.1';
/** Milliseconds between two turns of a game, and between two reads of the download. */
const TURN = 10;
const READ = 50;
const READ_BYTES = 16 * 1024;
/** Milliseconds between two newcomers, and for one to be let in. */
const NEWCOMER = 500;
const NEWCOMER_PATIENCE = 5000;
const BYTES = 64;
/** Milliseconds for what is on its way when the games end. */
const PATIENCE_AT_END = 15_000;
/** Seconds to wait for a datagram, which may be lost. */
const DATAGRAM_SECONDS = 2;

export interface Timing {
  readonly count: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface Reading {
  readonly tcp: Timing;
  readonly udp: Timing;
  /** From dialling to WELCOME. */
  readonly newcomers: Timing;
  readonly newcomersRefused: number;
  readonly datagramsLost: number;
  /** Bytes downloaded. */
  readonly downloaded: number;
  /** How late its own event loop was. */
  readonly loop: Timing;
}

/** What went wrong so far; empty: nothing. */
export type Troubles = readonly string[];

const wait = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

class Times {
  #all: number[] = [];

  add(milliseconds: number): void {
    this.#all.push(milliseconds);
  }

  /** What was measured since the last time. */
  take(): Timing {
    const sorted = this.#all.sort((a, b) => a - b);
    this.#all = [];
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? 0 };
  }
}

const tcpTimes = new Times();
const udpTimes = new Times();
const newcomerTimes = new Times();
const loop = monitorEventLoopDelay({ resolution: 5 });
const troubles: string[] = [];
let newcomersRefused = 0;
let datagramsLost = 0;
let downloaded = 0;
let over = false;
let tasks: Promise<unknown> = Promise.resolve();
let relay: Namespace | undefined;

function trouble(what: string): void {
  if (!over && troubles.length < 20) troubles.push(what);
}

async function startPeers(): Promise<{ echo: number; source: number; udp: number; flow: Flow }> {
  const flow = new Flow('download', 0);
  const servers = [
    createServer((socket) => socket.on('error', () => {}).pipe(socket)),
    createServer((socket) => {
      const more = () => {
        while (socket.write(Buffer.from(flow.next(READ_BYTES))));
      };
      socket.on('error', () => {}).on('drain', more);
      more();
    }),
  ];
  for (const server of servers) {
    server.listen(0, ADDRESS);
    await once(server, 'listening');
  }
  const udp = createSocket('udp4');
  udp.on('message', (message, { port, address }) => udp.send(message, port, address));
  udp.bind(0, ADDRESS);
  await once(udp, 'listening');
  const [echo, source] = servers.map((server) => (server.address() as AddressInfo).port);
  return { echo: echo ?? 0, source: source ?? 0, udp: udp.address().port, flow };
}

/** A message that no other is like. */
function numbered(number: number): Buffer {
  const bytes = Buffer.alloc(BYTES, number & 255);
  bytes.writeUInt32BE(number);
  return bytes;
}

async function playTcp(socket: Namespace, port: number): Promise<void> {
  const client = made(await socket.connect(ADDRESS, port));
  await client.setoption('tcp-nodelay', true);
  for (let number = 0; !over; number++) {
    const sent = numbered(number);
    const from = performance.now();
    made(await client.send(sent));
    const got = made(await client.receive(BYTES));
    tcpTimes.add(performance.now() - from);
    if (!sent.equals(got)) return trouble(`TCP: turn ${number} came back as another`);
    await wait(TURN);
  }
}

async function playUdp(socket: Namespace, port: number): Promise<void> {
  const client = made(socket.udp());
  made(await client.setpeername(ADDRESS, port));
  client.settimeout(DATAGRAM_SECONDS);
  let last = -1;
  for (let number = 0; !over; number++) {
    const from = performance.now();
    made(await client.send(numbered(number)));
    for (;;) {
      const [got, error] = await client.receive();
      if (got === null) {
        if (error !== 'timeout') throw new Error(`UDP: ${error}`);
        datagramsLost++;
        break;
      }
      const heard = Buffer.from(got);
      const heardNumber = heard.readUInt32BE();
      if (!heard.equals(numbered(heardNumber))) return trouble(`UDP: datagram ${heardNumber} was changed`);
      if (heardNumber <= last) return trouble(`UDP: datagram ${heardNumber} came again`);
      last = heardNumber;
      // One given up came after all.
      if (heardNumber < number) continue;
      udpTimes.add(performance.now() - from);
      break;
    }
    await wait(TURN);
  }
}

async function download(socket: Namespace, port: number, flow: Flow): Promise<void> {
  const client = made(await socket.connect(ADDRESS, port));
  while (!over) {
    const bytes = made(await client.receive(READ_BYTES));
    flow.take(bytes);
    downloaded += bytes.length;
    if (flow.wrongAt !== null) return trouble(`download: another byte than the next at ${flow.wrongAt}`);
    await wait(READ);
  }
}

async function newcomers(place: Place, mint: Mint): Promise<void> {
  for (let number = 0; !over; number++) {
    const from = performance.now();
    const ticket = mint.ticket({ net: { tcp: [], udp: [] }, resume: 0 });
    const entering = greet(place, `127.2.1.${1 + (number % 250)}`, ticket, () => {});
    entering.then((met) => met?.raw.close());
    const met = await Promise.race([entering, wait(NEWCOMER_PATIENCE)]);
    if (met) newcomerTimes.add(performance.now() - from);
    else newcomersRefused++;
    await wait(NEWCOMER);
  }
}

const methods = {
  /** Opens its session and begins to play. */
  async begin({ place, privateKey }: { place: Place; privateKey: string }): Promise<void> {
    class GamePage extends WebSocket {
      constructor(url: string) {
        super(url, { origin: place.origin });
      }
    }
    const mint = new Mint(privateKey);
    const { echo, source, udp, flow } = await startPeers();
    const grants = [`${ADDRESS}:${echo}`, `${ADDRESS}:${source}`];
    const ticket = mint.ticket({ net: { tcp: grants, udp: [`${ADDRESS}:${udp}`] } });
    const socket = await connect(`ws://127.0.0.1:${place.port}/relay`, {
      ticket,
      WebSocket: GamePage as never,
      strings: 'bytes',
    });
    relay = socket;
    socket.relay.on('state', (state) => trouble(`session: ${state}`));
    const play = [playTcp(socket, echo), playUdp(socket, udp), download(socket, source, flow), newcomers(place, mint)];
    for (const task of play) task.catch((error: Error) => trouble(error.message));
    tasks = Promise.allSettled(play);
    loop.enable();
  },

  /** What was measured since the last reading. */
  read(_: null): Reading {
    const milliseconds = (nanoseconds: number) => nanoseconds / 1e6;
    const reading = {
      tcp: tcpTimes.take(),
      udp: udpTimes.take(),
      newcomers: newcomerTimes.take(),
      newcomersRefused,
      datagramsLost,
      downloaded,
      loop: {
        count: loop.count,
        p50: milliseconds(loop.percentile(50)),
        p99: milliseconds(loop.percentile(99)),
        max: milliseconds(loop.max),
      },
    };
    newcomersRefused = 0;
    datagramsLost = 0;
    downloaded = 0;
    loop.reset();
    return reading;
  },

  troubles: (_: null): Troubles => troubles,

  /** Ends its games and its session in good order. */
  async end(_: null): Promise<Troubles> {
    over = true;
    const ended = await Promise.race([tasks, wait(PATIENCE_AT_END)]);
    if (ended === undefined) troubles.push('a game did not come to its end: bytes were lost');
    relay?.relay.close();
    return troubles;
  },
};
export type Neighbour = typeof methods;
answerWith(methods);
