/** Runs random scenarios on real LuaSocket and on a face of the client, and tells where they differ. */
import { type Difference, describe, differences, operationsOf } from '../compare.ts';
import type { Face } from '../face.ts';
import { runReal } from '../live.ts';
import { generate, scenarioOf, textOf } from './generate.ts';
import { shrink } from './shrink.ts';
import type { Dialect, Step } from './world.ts';

export interface Contest {
  readonly face: Face;
  /** Of the relay. */
  readonly url: string;
  /** The interpreter, Lua 5.1 with LuaSocket in its path. */
  readonly lua: string;
  /** The seed of the first scenario; each other has the next one. */
  readonly seed: number;
  readonly count: number;
  readonly say: (line: string) => void;
}

/** Scenarios that share an interpreter and, in browsers, a page. */
const BATCH = 8;
/** Batches that run at the same time; they mostly sleep. */
const LANES = 6;
/** Seconds for a batch, and for one scenario that runs alone. */
const LIMIT = 60;
const LIMIT_ALONE = 15;
/** A difference must show as many times in a row, with nothing else running; else it was the machine's load. */
const CONFIRMED = 2;
const VERSION = '{"get":"socket._VERSION"}\n';

/** @returns how many of the scenarios differ. */
export async function contest(given: Contest): Promise<number> {
  const version = (await runReal(given.lua, VERSION, LIMIT_ALONE)).join('');
  const dialect: Dialect = version.includes('3.0-rc1') ? 'rc1' : 'common';
  const match = new Match(given, dialect);
  const seeds = Array.from({ length: given.count }, (_, position) => given.seed + position);
  const suspects = await match.suspects(seeds);
  let failed = 0;
  for (const [seed, suspicion] of suspects) if (!(await match.acquits(seed, suspicion))) failed++;
  return failed;
}

class Match {
  readonly #given: Contest;
  readonly #dialect: Dialect;

  constructor(given: Contest, dialect: Dialect) {
    this.#given = given;
    this.#dialect = dialect;
  }

  /** The seeds whose scenarios differ when they run beside others, in order, and in what. */
  async suspects(seeds: readonly number[]): Promise<(readonly [seed: number, suspicion: string])[]> {
    const batches = Array.from({ length: Math.ceil(seeds.length / BATCH) }, (_, i) =>
      seeds.slice(i * BATCH, (i + 1) * BATCH),
    );
    const found = new Map<number, string>();
    const lane = async (): Promise<void> => {
      for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) await this.#batch(batch, found);
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return [...found].sort(([a], [b]) => a - b);
  }

  async #batch(seeds: readonly number[], found: Map<number, string>): Promise<void> {
    const scenarios = seeds.map((seed) => scenarioOf(String(seed), generate(seed, this.#dialect)));
    try {
      const [real, got] = await this.#run(scenarios.map(textOf).join(''), LIMIT);
      const [expected, printed] = [bySeed(real), bySeed(got)];
      for (const [position, seed] of seeds.entries()) {
        const operations = operationsOf(scenarios.slice(position, position + 1));
        const [first] = differences(operations, expected.get(seed) ?? [], printed.get(seed) ?? []);
        if (first) found.set(seed, describe(first));
      }
    } catch (error) {
      // Whose fault it is shows when each runs alone.
      for (const seed of seeds) found.set(seed, `  ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async #run(text: string, limit: number): Promise<[real: string[], got: string[]]> {
    const { lua, face, url } = this.#given;
    const [real, got] = await Promise.all([runReal(lua, text, limit), face.transcribe(text, url, limit)]);
    return this.#dialect === 'rc1' ? [real, got] : [real.map(released), got.map(released)];
  }

  /** Runs a suspect alone. Tells what differs, after making it as small as it gets; false when something does. */
  async acquits(seed: number, suspicion: string): Promise<boolean> {
    const { say } = this.#given;
    const steps = generate(seed, this.#dialect);
    let first: string;
    try {
      const differing = await this.#differs(steps);
      if (differing === null) {
        say(`seed ${seed}: passed alone; beside others, which is a matter of time, it differed:`);
        say(suspicion);
        return true;
      }
      first = differing;
    } catch (error) {
      say(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`);
      return false;
    }
    const least = await shrink(steps, async (fewer) => first === (await this.#differs(fewer).catch(() => null)));
    const found = await this.#differences(least);
    say(`seed ${seed} (--random 1 --seed ${seed}) differs:`);
    say(textOf(scenarioOf(String(seed), least)));
    for (const difference of found) say(describe(difference));
    return false;
  }

  /** The first operation that differs each time, or null. */
  async #differs(steps: readonly Step[]): Promise<string | null> {
    let first: string | undefined;
    for (let times = 0; times < CONFIRMED; times++) {
      const operation = (await this.#differences(steps))[0]?.operation;
      if (operation === undefined || (first !== undefined && operation !== first)) return null;
      first = operation;
    }
    return first ?? null;
  }

  async #differences(steps: readonly Step[]): Promise<Difference[]> {
    const scenario = scenarioOf('random', steps);
    const [real, got] = await this.#run(textOf(scenario), LIMIT_ALONE);
    return differences(operationsOf([scenario]), real, got);
  }
}

/** Transcripts by the seed in their headers. */
function bySeed(lines: readonly string[]): Map<number, string[]> {
  const transcripts = new Map<number, string[]>();
  let current: string[] = [];
  for (const line of lines) {
    const header = /^\{"scenario":"(\d+)"\}$/.exec(line);
    if (header) {
      current = [];
      transcripts.set(Number(header[1]), current);
    }
    current.push(line);
  }
  return transcripts;
}

/** A line without what differs between the releases wherever a class is wrong. */
const released = (line: string): string => line.replace(' expected, got userdata)', ' expected)');
