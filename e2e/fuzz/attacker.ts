/** A process that attacks a relay, by messages (here) or by floods (floods.ts). It runs behind all others: see `nice`. */
import { setPriority } from 'node:os';
import { FRAMES, type RelayFrame } from '../../shared/src/frames.ts';
import { Random } from '../chaos/random.ts';
import type { Packable } from '../fixtures/msgpack.ts';
import type { Attack } from './attack.ts';
import { answerWith } from './children.ts';
import { Counter, type Counts } from './counts.ts';
import { type FloodName, flood } from './floods.ts';
import { Actor, type Targets } from './grammar.ts';
import { brokenWebSocket, mutated } from './mutate.ts';
import { GRANTS, greet, Probe } from './session.ts';
import { Mint } from './tickets.ts';
import { frameBytes, type Place, RawSocket } from './wire.ts';

/** Processors go to the relay and its neighbour first: what is measured is the relay, not who gets a processor. */
const NICE = 10;
/** Messages of one odd client's session, and between two PINGs of it. */
const SESSION_MESSAGES = 4000;
const BATCH = 32;
/** Bad messages of one connection, at most: it ends at the first fault. */
const VOLLEY = 2;
/** So many connections in a row with which nobody got anything done: the relay is gone, or stands still. */
const GIVE_UP = 1000;
/** Milliseconds for the relay to say what it thinks of a broken WebSocket frame; some only wait for more. */
const BROKEN_PATIENCE = 100;

export interface Setup {
  readonly worker: number;
  readonly privateKey: string;
  readonly targets: Targets;
}

export interface FuzzTask {
  readonly place: Place;
  readonly kind: 'odd' | 'bad';
  /** How many the relay must have looked at. */
  readonly messages: number;
  readonly seed: number;
  /** Connections at once. */
  readonly width: number;
}

export interface FloodTask {
  readonly place: Place;
  readonly name: FloodName;
  readonly seconds: number;
  readonly seed: number;
}

let setup: Setup | undefined;

function prepare(place: Place): Attack {
  if (!setup) throw new Error('not set up');
  const { worker, privateKey, targets } = setup;
  let last = 0;
  const address = (): string => {
    last = (last + 1) % 60_000;
    return `127.${16 + worker}.${last >> 8}.${last & 255 || 1}`;
  };
  return { mint: new Mint(privateKey), targets, place, counter: new Counter(), address };
}

const methods = {
  setUp(given: Setup): void {
    setup = given;
    setPriority(NICE);
  },

  async fuzz({ place, kind, messages, seed, width }: FuzzTask): Promise<Counts> {
    const attack = prepare(place);
    const { counter } = attack;
    let begun = 0;
    let idle = 0;
    const run = async () => {
      while (counter.messages < messages && idle < GIVE_UP) {
        const before = counter.messages;
        // Each connection's choices are its own, so that they do not depend on how connections overlap.
        const random = new Random(seed + Math.imul(++begun, 0x9e37_79b1));
        if (kind === 'bad') await volley(attack, random);
        else await oddSession(attack, random, Math.min(SESSION_MESSAGES, Math.ceil(messages / width)));
        idle = counter.messages === before ? idle + 1 : 0;
      }
    };
    await Promise.all(Array.from({ length: width }, run));
    return counter.counts;
  },

  async flood({ place, name, seconds, seed }: FloodTask): Promise<Counts> {
    const attack = prepare(place);
    await flood(name, attack, new Random(seed), seconds);
    return attack.counter.counts;
  },
};
export type Attacker = typeof methods;
answerWith(methods);

function ticketFor({ mint }: Attack, random: Random): string {
  return mint.ticket({ net: random.of(GRANTS) as object, resume: random.between(0, 2) });
}

/** A session that keeps to the protocol in odd ways, for as long as it may. */
async function oddSession(attack: Attack, random: Random, most: number): Promise<void> {
  const { counter, place, targets, address } = attack;
  counter.connections++;
  const met = await greet(place, address(), ticketFor(attack, random), (ending) => counter.end(ending));
  if (!met) return;
  const { raw } = met;
  const actor = new Actor(random, targets);
  const probe = new Probe(raw, 2 ** 52 + random.between(0, 2 ** 40));
  raw.onFrames = (frames: readonly RelayFrame[]) => {
    actor.heard(frames);
    probe.hear(frames);
  };
  for (let done = 0; done < most; done += BATCH) {
    const batch = Array.from({ length: BATCH }, () => actor.message());
    const { ping, answer } = probe.next();
    const mask = random.chance(0.1) ? random.between(0, 2 ** 32 - 1) : 0;
    raw.raw(Buffer.concat([...batch.map((message) => frameBytes(message, { mask })), frameBytes(ping)]));
    const outcome = await answer;
    if (outcome === 'pong') {
      counter.messages += BATCH;
      continue;
    }
    const ending = outcome === 'silent' ? 'silent' : await raw.ended;
    if (outcome === 'silent') counter.silent++;
    counter.end(ending);
    counter.unjust(`${ending} ${raw.words}`);
    if (ending === 'internal') counter.defect(batch.map((message) => message.toString('hex')).join(' '));
    raw.vanish();
    return;
  }
  await leave(attack, raw, random);
}

async function leave({ counter }: Attack, raw: RawSocket, random: Random): Promise<void> {
  if (random.chance(0.7)) raw.close();
  else raw.vanish(random.chance(0.5));
  counter.end(`we: ${await raw.ended}`);
}

/** A connection with a few bad messages, each with a PING behind it. */
async function volley(attack: Attack, random: Random): Promise<void> {
  const act = random.next();
  if (act < 0.12) return badOpening(attack, random);
  const { counter, place, address } = attack;
  counter.connections++;
  const met = await greet(place, address(), ticketFor(attack, random), (ending) => counter.end(ending));
  if (!met) return;
  const { raw } = met;
  const actor = new Actor(random, attack.targets);
  const probe = new Probe(raw, random.between(2 ** 40, 2 ** 50));
  raw.onFrames = (frames) => {
    actor.heard(frames);
    probe.hear(frames);
  };
  // Some state for them to meet.
  raw.send(Buffer.concat(Array.from({ length: random.between(1, 4) }, () => actor.message())));
  if (act < 0.24) return broken(attack, raw, actor, random);
  const messages = Array.from({ length: VOLLEY }, () => mutated(actor.frame(), random));
  const probes = messages.map(() => probe.next());
  raw.raw(
    Buffer.concat(
      messages.flatMap((message, i) => [frameBytes(message), frameBytes(probes[i]?.ping ?? Buffer.alloc(0))]),
    ),
  );
  for (const [index, { answer }] of probes.entries()) {
    const outcome = await answer;
    if (outcome === 'silent') counter.silent++;
    // Looked at: it was no fault, or it was the one.
    else counter.messages++;
    if (outcome === 'pong') continue;
    const ending = outcome === 'silent' ? 'silent' : await raw.ended;
    if (ending === 'internal') counter.defect(messages[index]?.toString('hex') ?? '');
    counter.end(ending);
    raw.vanish();
    return;
  }
  await leave(attack, raw, random);
}

/** What breaks WebSocket: the relay ends it, or waits for more, or does not mind. */
async function broken({ counter }: Attack, raw: RawSocket, actor: Actor, random: Random): Promise<void> {
  const bytes = brokenWebSocket(actor.message(), random);
  raw.raw(bytes);
  let timer: NodeJS.Timeout | undefined;
  const waited = new Promise<'waits'>((resolve) => {
    timer = setTimeout(() => resolve('waits'), BROKEN_PATIENCE);
  });
  const ending = await Promise.race([raw.ended, waited]);
  clearTimeout(timer);
  if (ending === 'internal') counter.defect(bytes.toString('hex'));
  if (ending !== 'waits') counter.messages++;
  counter.end(`websocket: ${ending}`);
  raw.vanish();
}

const HELLO = FRAMES.hello.code;
const RESUME = FRAMES.resume.code;

/** The first message is bad. */
async function badOpening(attack: Attack, random: Random): Promise<void> {
  const { counter, place, address, mint } = attack;
  counter.connections++;
  let raw: RawSocket;
  try {
    raw = await RawSocket.open(place, address());
  } catch (error) {
    counter.end((error as Error).message);
    return;
  }
  const bytes = (length: number) => Buffer.from(Array.from({ length }, () => random.between(0, 255)));
  const hello = (ticket: string): Packable[] => [HELLO, 1, ticket, random.between(0, 20)];
  const message = random.of([
    () => mutated(hello(ticketFor(attack, random)), random),
    () => mutated([RESUME, 1, bytes(16), 2, 0, bytes(32)], random),
    () => Buffer.from(mutated(hello(mint.badTicket({ net: {} }, random)), random)),
    () => mutated(new Actor(random, attack.targets).frame(), random),
  ])();
  const probe = new Probe(raw, random.between(2 ** 40, 2 ** 50));
  raw.onFrames = (frames) => probe.hear(frames);
  const { ping, answer } = probe.next();
  // A PING before WELCOME is a fault of its own, so there is an end to it in any case.
  raw.raw(Buffer.concat([frameBytes(message), frameBytes(ping)]));
  const outcome = await answer;
  if (outcome === 'silent') counter.silent++;
  else counter.messages++;
  const ending = outcome === 'over' ? await raw.ended : outcome;
  if (ending === 'internal') counter.defect(message.toString('hex'));
  counter.end(`opening: ${ending}`);
  raw.vanish();
}
