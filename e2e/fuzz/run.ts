/**
 * The fuzz run: a relay under attack, a neighbour that plays on it, and a second relay, the decoy. Each attack is made
 * on the decoy first: what the neighbour then feels is the machine being busy, and what it feels more of in earnest is
 * the relay's doing.
 */
import type { Attacker } from './attacker.ts';
import { Child, type Methods } from './children.ts';
import { type Counts, sum } from './counts.ts';
import { FLOOD_NAMES, type FloodName } from './floods.ts';
import type { Targets } from './grammar.ts';
import type { Neighbour, Reading, Troubles } from './neighbour.ts';
import { type Holdings, type LoopDelay, Relay } from './relay.ts';
import { makeKeys } from './tickets.ts';
import type { Place } from './wire.ts';
import type { World } from './world.ts';

export interface FuzzOptions {
  /** Messages that the relay must have looked at. */
  readonly messages: number;
  readonly seed: number;
  /** Seconds of each flood; 0: none. */
  readonly floodSeconds: number;
  readonly attackers: number;
  readonly told?: (phase: Phase) => void;
}

export interface Phase {
  readonly name: string;
  readonly seconds: number;
  readonly counts: Counts;
  /** What the neighbour measured meanwhile. */
  readonly reading: Reading;
  /** The same, while the same was done to the decoy; null for phases without attack. */
  readonly control: Reading | null;
  readonly peakRss: number;
  readonly peakDescriptors: number;
  readonly loopDelay: LoopDelay | null;
  /** Bytes of log. */
  readonly logBytes: number;
}

interface Check {
  readonly name: string;
  /** What is wrong; null: nothing. */
  readonly wrong: string | null;
}

export interface FuzzResult {
  readonly phases: readonly Phase[];
  readonly before: Holdings;
  readonly after: Holdings;
  /** Seconds from the last attack until the relay held no more than before. */
  readonly settled: number;
  /** Messages of its log. */
  readonly logged: { readonly [message: string]: number };
  readonly checks: readonly Check[];
}

/** Of the messages, those of clients that keep to the protocol oddly; the others are bad. */
const ODD_SHARE = 0.9;
/** Of the messages, as many go to the decoy. */
const CONTROL_SHARE = 0.03;
/** Connections of one attacker at once. */
const WIDTH = 24;
const IDLE_SECONDS = 5;
/** What a process may still have of what it had to have: garbage, and memory that its allocator keeps. MiB. */
const RSS_GROWTH = 320;
/** Descriptors that come and go by themselves: a newcomer's, a name server's. */
const SPARE_DESCRIPTORS = 4;
/** Longer than a session outlives its WebSocket and HTTP connections are kept. */
const SETTLE_SECONDS = 60;

const wait = (seconds: number) => new Promise<void>((resolve) => setTimeout(resolve, seconds * 1000));

/** @throws when the run itself cannot be made; what the relay does wrong is told by the checks. */
export async function runFuzz(options: FuzzOptions): Promise<FuzzResult> {
  const closers: (() => Promise<void>)[] = [];
  const kept = async <T>(made: Promise<T>, close: (made: T) => Promise<void>): Promise<T> => {
    const thing = await made;
    closers.push(() => close(thing));
    return thing;
  };
  const child = <M extends Methods>(file: string) => kept(Child.start<M>(file), (made) => made.stop());
  try {
    const [world, neighbour, ...attackers] = await Promise.all([
      child<World>('world.ts'),
      child<Neighbour>('neighbour.ts'),
      ...Array.from({ length: options.attackers }, () => child<Attacker>('attacker.ts')),
    ] as const);
    const { nameServer, ...places } = await world.ask('places', null);
    const keys = makeKeys();
    const start = () => kept(Relay.start({ publicKey: keys.publicKey, nameServer }), (made) => made.close());
    const [relay, decoy] = await Promise.all([start(), start()]);
    const targets: Targets = {
      address: places.address,
      tcp: places.tcp as [number, ...number[]],
      udp: places.udp as [number, ...number[]],
      forbidden: [
        ['127.0.0.1', relay.place.port],
        ['127.1.0.1', relay.place.port],
        ['127.2.0.1', 80],
      ],
    };
    const { privateKey } = keys;
    await Promise.all(attackers.map((each, worker) => each.ask('setUp', { worker, privateKey, targets })));
    await neighbour.ask('begin', { place: relay.place, privateKey });
    return await Promise.race([play(options, { relay, decoy, neighbour, attackers }), relay.gone, decoy.gone]);
  } finally {
    for (const close of closers.reverse()) await close().catch(() => {});
  }
}

interface Cast {
  readonly relay: Relay;
  readonly decoy: Relay;
  readonly neighbour: Child<Neighbour>;
  readonly attackers: readonly Child<Attacker>[];
}

async function play(options: FuzzOptions, cast: Cast): Promise<FuzzResult> {
  const { relay, neighbour } = cast;
  const phases: Phase[] = [];
  const add = async (phase: Promise<Phase>) => {
    const made = await phase;
    phases.push(made);
    options.told?.(made);
  };
  // Whatever has to be compiled or connected once.
  await wait(IDLE_SECONDS / 2);
  const before = await relay.holdings();
  await add(phaseOf('nothing', cast, null, () => wait(IDLE_SECONDS).then(() => sum([]))));
  await add(fuzz('odd', Math.ceil(options.messages * ODD_SHARE), options, cast));
  await add(fuzz('bad', Math.floor(options.messages * (1 - ODD_SHARE)), options, cast));
  if (options.floodSeconds > 0) for (const name of FLOOD_NAMES) await add(flood(name, options, cast));
  const { settled, after } = await settle(relay, before);
  await add(phaseOf('nothing, after it', cast, null, () => wait(IDLE_SECONDS).then(() => sum([]))));
  const troubles = await neighbour.ask('end', null);
  const logged = Object.fromEntries(relay.logged);
  const partial = { phases, before, after, settled, logged };
  return { ...partial, checks: judge(options, relay, troubles, partial) };
}

/** Runs something while the neighbour measures. */
async function phaseOf(
  name: string,
  { relay, neighbour }: Cast,
  control: Reading | null,
  run: () => Promise<Counts>,
): Promise<Phase> {
  await Promise.all([neighbour.ask('read', null), relay.loopDelay()]);
  relay.takePeaks();
  const logBytes = relay.logBytes;
  const began = performance.now();
  const counts = await run();
  const seconds = (performance.now() - began) / 1000;
  const reading = await neighbour.ask('read', null);
  const { rss, descriptors } = relay.takePeaks();
  return {
    name,
    seconds,
    counts,
    reading,
    control,
    peakRss: rss,
    peakDescriptors: descriptors,
    loopDelay: await relay.loopDelay(),
    logBytes: relay.logBytes - logBytes,
  };
}

async function fuzz(kind: 'odd' | 'bad', messages: number, { seed }: FuzzOptions, cast: Cast): Promise<Phase> {
  const { relay, decoy, attackers } = cast;
  const task = (place: Place, all: number) => async () => {
    const each = Math.ceil(all / attackers.length);
    const tasks = attackers.map((attacker, worker) =>
      attacker.ask('fuzz', { place, kind, messages: each, seed: seed + worker * 1_000_003, width: WIDTH }),
    );
    return sum(await Promise.all(tasks));
  };
  const name = kind === 'odd' ? 'odd messages' : 'bad messages';
  const control = await phaseOf(name, cast, null, task(decoy.place, Math.ceil(messages * CONTROL_SHARE)));
  return phaseOf(name, cast, control.reading, task(relay.place, messages));
}

async function flood(name: FloodName, { seed, floodSeconds }: FuzzOptions, cast: Cast): Promise<Phase> {
  const { relay, decoy, attackers } = cast;
  const task = (place: Place, seconds: number) => async () => {
    const tasks = attackers.map((attacker, worker) =>
      attacker.ask('flood', { place, name, seconds, seed: seed + worker * 1_000_003 }),
    );
    return sum(await Promise.all(tasks));
  };
  const control = await phaseOf(name, cast, null, task(decoy.place, floodSeconds / 2));
  return phaseOf(name, cast, control.reading, task(relay.place, floodSeconds));
}

/** Waits until the relay holds no more than before, or long enough. */
async function settle(relay: Relay, before: Holdings): Promise<{ settled: number; after: Holdings }> {
  const began = performance.now();
  for (;;) {
    const after = await relay.holdings().catch(() => null);
    const settled = (performance.now() - began) / 1000;
    if (after !== null && (leftovers(before, after) === '' || settled > SETTLE_SECONDS)) return { settled, after };
    if (settled > 2 * SETTLE_SECONDS) throw new Error('the relay does not answer');
    await wait(0.5);
  }
}

/** What it holds that it did not hold before. Newcomers of the neighbour may be there at either time. */
function leftovers(before: Holdings, after: Holdings): string {
  const left: string[] = [];
  for (const what of ['sessions', 'sockets', 'websockets'] as const) {
    if (after[what] > before[what] + (what === 'sockets' ? 0 : 1))
      left.push(`${before[what]} ${what}, then ${after[what]}`);
  }
  if (after.descriptors > before.descriptors + SPARE_DESCRIPTORS) {
    left.push(`${before.descriptors} descriptors, then ${after.descriptors}`);
  }
  if (after.rss > before.rss + RSS_GROWTH) left.push(`${before.rss.toFixed(0)} MiB, then ${after.rss.toFixed(0)}`);
  return left.join('; ');
}

function judge(
  { messages }: FuzzOptions,
  relay: Relay,
  troubles: Troubles,
  { phases, before, after }: Omit<FuzzResult, 'checks'>,
): Check[] {
  const fuzzed = phases.filter(({ name }) => name.endsWith('messages') && !name.startsWith('tiny'));
  const total = sum(fuzzed.map(({ counts }) => counts));
  const all = sum(phases.map(({ counts }) => counts));
  const floods = phases.filter(({ control }) => control !== null && !fuzzed.some((phase) => phase.control === control));
  const check = (name: string, wrong: string | false) => ({
    name,
    wrong: wrong === false || wrong === '' ? null : wrong,
  });
  const internal = all.endings.internal ?? 0;
  return [
    check('the relay lives', relay.exit !== null && `it ended: ${relay.exit}`),
    check('it found no defect of its own', [...relay.errors, ...all.defects].join('\n')),
    check('no fault was "internal"', internal > 0 && `${internal}`),
    check('all messages were looked at', total.messages < messages && `${total.messages} of ${messages}`),
    check('every flood came', floods.some(({ counts }) => counts.connections === 0) && 'one opened nothing'),
    check('clients that keep to the protocol are no faults', all.unjust.join('\n')),
    check('every connection was answered or ended', all.silent > 0 && `${all.silent} were not`),
    check('the neighbour lost nothing, heard nothing twice and kept its session', troubles.join('\n')),
    check(
      'the neighbour went on',
      phases.some(({ reading }) => reading.tcp.count === 0) && 'it stood still in a phase',
    ),
    check('the relay let go of everything', leftovers(before, after)),
  ];
}
