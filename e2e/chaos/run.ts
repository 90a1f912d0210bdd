/**
 * The chaos run: a client and a relay with a network between them that is cut again and again, in the middle of
 * transfers on 20 TCP sockets, of connection set-ups, and of handshakes. Every byte and every operation is counted.
 */
import { connect as dial } from 'node:net';
import { createRelay } from 'luasocket-relay';
import { connect } from 'luasocket-web';
import WebSocket from 'ws';
import { type CutKind, startBadNetwork } from './network.ts';
import { Flow } from './pattern.ts';
import { listen, type Pace, sleep, startDatagramCounter, startLineCounter, transfer as transferPeer } from './peers.ts';
import { connectOnce, done, made, type Namespace, sendOnce, serveOnce, Tally, text, transfer } from './program.ts';
import { Random } from './random.ts';

interface ChaosOptions {
  readonly cuts: number;
  readonly seed: number;
  /** Is told now and then how many cuts are done. */
  readonly progress?: (cuts: number) => void;
}

export interface Figures {
  readonly seconds: number;
  readonly cuts: ReadonlyMap<CutKind, number>;
  readonly cutCount: number;
  readonly stalls: number;
  readonly resumes: number;
  readonly streams: number;
  /** Bytes sent, by direction. */
  readonly up: number;
  readonly down: number;
  readonly lost: number;
  readonly doubled: number;
  /** Directions of streams in which a byte came that was not the next. */
  readonly reordered: number;
  /** Operations that were asked for, and how many of them happened more than once. */
  readonly operations: number;
  readonly twice: number;
  /** Datagrams of operations; those of a gap may be lost. */
  readonly datagrams: { readonly sent: number; readonly received: number };
  /** The most that the relay kept for the client at once, bytes. */
  readonly kept: number;
}

interface Check {
  readonly name: string;
  /** What is wrong; null: nothing. */
  readonly wrong: string | null;
}

interface ChaosResult {
  readonly figures: Figures;
  readonly checks: readonly Check[];
}

/** TCP sockets with transfers: half of them connected, half accepted. */
const STREAMS = 20;
/** Connections that wait to be accepted from before the first cut until after the last. */
const PENDING = 4;
/** How many of each kind of short operation are under way at once. */
const WORKERS = 5;
/** A run that makes no headway for so long has failed. */
const STUCK_SECONDS = 60;

export async function runChaos({ cuts, seed, progress }: ChaosOptions): Promise<ChaosResult> {
  const random = new Random(seed);
  const began = performance.now();
  const relay = await createRelay({ listen: '127.0.0.1:0', log: 'silent' });
  const network = await startBadNetwork(relay.address.port, cuts, random);
  const [lines, datagrams] = await Promise.all([startLineCounter(), startDatagramCounter()]);
  const socket: Namespace = await connect(network.url, { WebSocket, strings: 'bytes' });
  const states: string[] = [];
  socket.relay.on('state', (state) => states.push(state));

  let over = false;
  const pace: Pace = { random, over: () => over };
  const flows: Flow[] = [];
  const flow = (name: string) => {
    const made = new Flow(name, flows.length);
    flows.push(made);
    return made;
  };
  const connects = new Tally();
  const serves = new Tally();
  const sends = new Tally();
  let kept = 0;
  let last = { cuts: -1, at: performance.now() };
  let stuck: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    stuck = reject;
  });
  const watch = setInterval(() => {
    kept = Math.max(kept, relay.stats.keptBytes);
    const now = performance.now();
    if (network.cutCount !== last.cuts) last = { cuts: network.cutCount, at: now };
    else if (now - last.at > STUCK_SECONDS * 1000) stuck(new Error(`stuck after ${last.cuts} cuts: ${states.at(-1)}`));
    progress?.(network.cutCount);
  }, 250);

  try {
    // Far ends of the connected half.
    const peers: Promise<void>[] = [];
    const target = await listen((peer) => {
      peer.on('error', () => {}); // told by what is missing
      peer.once('readable', () => {
        const number = (peer.read(1) as Buffer | null)?.[0] ?? 0;
        const [out, back] = [flows[2 * number + 1], flows[2 * number]];
        if (out && back) peers.push(transferPeer(peer, out, back, pace));
      });
    });
    const server = made(await socket.tcp());
    await done(server.bind('127.0.0.1', 0));
    await done(server.listen(STREAMS));
    const [, port] = await server.getsockname();

    const tasks: Promise<void>[] = [];
    for (let n = 0; n < STREAMS; n++) {
      const [up, down] = [flow(`stream ${n} up`), flow(`stream ${n} down`)];
      if (n % 2 === 0) {
        const client = made(await socket.tcp());
        await done(client.connect('127.0.0.1', target.port));
        await done(client.send(new Uint8Array([n])));
        tasks.push(transfer(client, up, down, pace));
      } else {
        const peer = dial(Number(port), '127.0.0.1');
        peer.write(new Uint8Array([n]));
        peers.push(transferPeer(peer, down, up, pace));
        const client = made(await server.accept());
        const number = made(await client.receive(1))[0];
        if (number !== n) throw new Error(`accepted ${number} instead of ${n}`);
        tasks.push(transfer(client, up, down, pace));
      }
    }
    const pending = Array.from({ length: PENDING }, (_, n) => {
      const peer = dial(Number(port), '127.0.0.1');
      peer.on('error', () => {}); // told by what is missing
      peer.end(`pending ${n}\n`);
      return peer;
    });
    for (let worker = 1; worker <= WORKERS; worker++) {
      tasks.push(connects.repeat(`connect ${worker}`, pace, (name) => connectOnce(socket, lines.port, name)));
      tasks.push(serves.repeat(`serve ${worker}`, pace, (name) => serveOnce(socket, name, random.between(0, 120))));
      tasks.push(sends.repeat(`send ${worker}`, pace, (name) => sendOnce(socket, datagrams.port, name)));
    }

    const all = (async () => {
      await network.healed;
      // The client finds out about the last cut, and something passes after it.
      await sleep(500);
      over = true;
      await Promise.all(tasks);
      await Promise.all(peers);
    })();
    await Promise.race([all, failed]);

    const waited: string[] = [];
    for (let n = 0; n < PENDING; n++) {
      const client = made(await server.accept());
      waited.push(text(made(await client.receive('*l'))));
      await client.close();
    }
    for (const peer of pending) peer.destroy();
    server.settimeout(0);
    const [surplus] = await server.accept();
    const { resumes } = socket.relay.stats;
    socket.relay.close();
    target.server.close();
    for (let tries = 0; relay.stats.sessions > 0 && tries < 1000; tries++) await sleep(5);

    const checks: Check[] = [];
    const check = (name: string, wrong: string | null | false) => checks.push({ name, wrong: wrong || null });
    for (const { name, lost, doubled, wrongAt, ended, sent } of flows) {
      check(`${name}: all bytes, once, in order`, verdict(lost, doubled, wrongAt));
      check(`${name}: carried something and ended`, (sent === 0 || !ended) && `${sent} bytes, ended: ${ended}`);
    }
    const twice = [lines, datagrams].flatMap(({ seen }) => [...seen].filter(([, times]) => times > 1));
    check('the cuts were made', network.cutCount < cuts && `${network.cutCount}`);
    check('the session was resumed', resumes === 0 && `${resumes} times`);
    check('the session was never lost', states.includes('lost') && states.join());
    check('connects succeeded', connects.failures.length > 0 && connects.failures.slice(0, 3).join('; '));
    check('each connect reached its server once', unequal(connects.asked, '\n', lines.seen));
    check(
      'no other connection reached it',
      lines.connections() !== connects.asked.length && `${lines.connections()} for ${connects.asked.length}`,
    );
    check('servers were bound and connections accepted once', serves.failures.slice(0, 3).join('; '));
    check('sends succeeded', sends.failures.slice(0, 3).join('; '));
    check('the first datagram of each was sent once', unequal(sends.asked, ' a', datagrams.seen));
    check('no datagram was sent twice', twice.map(([what, times]) => `${what}: ${times}`).join());
    const expected = Array.from({ length: PENDING }, (_, n) => `pending ${n}`).join();
    check('pending connections waited, each once', (waited.join() !== expected || surplus) && waited.join());
    check('the relay released everything', relay.stats.sockets > 0 && `${relay.stats.sockets} sockets`);

    const sum = (which: (flow: Flow) => number) => flows.reduce((total, each) => total + which(each), 0);
    return {
      checks,
      figures: {
        seconds: (performance.now() - began) / 1000,
        cuts: network.cuts,
        cutCount: network.cutCount,
        stalls: network.stalls,
        resumes,
        streams: STREAMS,
        up: sum((each) => (each.name.endsWith('up') ? each.sent : 0)),
        down: sum((each) => (each.name.endsWith('down') ? each.sent : 0)),
        lost: sum((each) => each.lost),
        doubled: sum((each) => each.doubled),
        reordered: sum((each) => (each.wrongAt === null ? 0 : 1)),
        operations: connects.asked.length + serves.asked.length + sends.asked.length,
        twice: twice.length,
        datagrams: { sent: sends.asked.length * 3, received: datagrams.seen.size },
        kept,
      },
    };
  } finally {
    clearInterval(watch);
    over = true;
    socket.relay.close();
    await network.close();
    await relay.close();
    await Promise.all([lines.close(), datagrams.close()]);
  }
}

function verdict(lost: number, doubled: number, wrongAt: number | null): string | null {
  if (wrongAt !== null) return `another byte than the next at ${wrongAt}`;
  if (lost > 0) return `${lost} bytes lost`;
  return doubled > 0 ? `${doubled} bytes too many` : null;
}

/** What was asked for and not seen exactly once. */
function unequal(asked: readonly string[], suffix: string, seen: ReadonlyMap<string, number>): string | null {
  const times = (name: string) => seen.get(`${name}${suffix}`) ?? 0;
  const wrong = asked.filter((name) => times(name) !== 1);
  return wrong.length === 0
    ? null
    : wrong
        .slice(0, 3)
        .map((name) => `${name}: ${times(name)}`)
        .join();
}
