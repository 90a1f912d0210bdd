/** A whole run: the servers, the contenders, case by case. */
import { setTimeout } from 'node:timers/promises';
import { CONTENDERS } from '../contenders/index.mjs';
import { machine } from '../report/machine.mjs';
import { startBrowser } from './browser.mjs';
import { processors } from './cost.mjs';
import { startPingPong } from './pingpong.mjs';
import { openGate } from './quiet.mjs';
import { interleave } from './rounds.mjs';
import { startServers } from './servers.mjs';
import { startClient, startRelay } from './stage.mjs';

/** @typedef {import('../types.ts').Case} Case */
/** @typedef {import('../types.ts').Sample} Sample */

/** Rounds before those that count: V8 compiles for seconds what runs often, and the more there is of it the longer. */
const WARM = { kept: 3, fresh: 1 };

/**
 * @typedef {object} Plan
 * @property {readonly Case[]} cases
 * @property {readonly string[]} contenders
 * @property {number} rounds
 * @property {number} seconds
 * @property {number} patience Seconds that it may wait for quiet.
 * @property {Readonly<Record<string, string>>} roots Checkouts whose builds are taken, by contender.
 * @property {string | null} profile
 */

/**
 * @param {Plan} plan
 * @param {(text: string) => void} say
 * @param {(case_: Case, samples: Record<string, Sample[]>) => void} tell After each case.
 * @returns {Promise<import('../types.ts').Results>}
 */
export async function runAll(plan, say, tell) {
  const servers = await startServers();
  /** @type {Record<string, Record<string, Sample[]>>} */
  const results = {};
  /** @type {Record<string, string>} */
  const absent = {};
  const present = plan.contenders.filter((name) => {
    const why = CONTENDERS[name]?.absent?.() ?? null;
    if (why !== null) absent[name] = why;
    return why === null;
  });
  for (const [name, why] of Object.entries(absent)) say(`${name} does not take part: ${why}.`);
  const browser = plan.cases.some(({ where }) => where === 'page') ? await startBrowser() : null;
  if (browser !== null) say(`Chromium ${browser.version}`);
  const pingPong = await startPingPong();
  const clock = {
    processors,
    sleep: (/** @type {number} */ s) => setTimeout(s * 1000),
    now: () => performance.now() / 1000,
  };
  const gate = await openGate({ probe: pingPong.probe, ...clock }, plan.patience);
  for (const case_ of plan.cases) {
    // Which has been said.
    if (case_.where === 'page' && browser === null) continue;
    const names = case_.contenders.filter((name) => present.includes(name));
    if (names.length === 0) continue;
    const samples = await runCase(case_, names, plan, servers.ports, gate, case_.where === 'page' ? browser : null);
    results[case_.name] = samples;
    tell(case_, samples);
  }
  await browser?.close();
  await pingPong.stop();
  await servers.stop();
  const facts = { ...machine(), ...(browser === null ? {} : { Chromium: browser.version }) };
  const { rounds, seconds } = plan;
  return { machine: facts, rounds, seconds, noise: gate.counts, cases: results, absent };
}

/**
 * @param {Case} case_
 * @param {readonly string[]} names
 * @param {Plan} plan
 * @param {import('../types.ts').Peers} peers
 * @param {import('../types.ts').Gate} gate
 * @param {Awaited<ReturnType<typeof startBrowser>>} browser Where the clients are; null: in Node.
 */
async function runCase(case_, names, plan, peers, gate, browser) {
  /** @typedef {{ measure(name: string, seconds: number): Promise<Sample>, stop(): Promise<void> }} Client */
  /** @typedef {{ client: Client, stop(): Promise<void> }} Stage */
  /** @type {Map<string, Stage>} */
  const stages = new Map();
  /** @param {string} name @returns {Promise<Stage>} */
  const start = async (name) => {
    const profile = name === 'ours' ? plan.profile : null;
    const relay = await startRelay(name, { peers, root: plan.roots[name] ?? '', profile });
    /** @type {Client} */
    const client = await (browser?.page(name, relay.place) ?? startClient(name, relay.place));
    const stop = async () => {
      stages.delete(name);
      await client.stop();
      await relay.stop();
    };
    return { client, stop };
  };
  /** @param {string} name */
  const staged = async (name) => {
    const stage = stages.get(name) ?? (await start(name));
    stages.set(name, stage);
    return stage;
  };
  /** @param {string} name */
  const take = async (name) => {
    const stage = await staged(name);
    const sample = await stage.client.measure(case_.as ?? case_.name, plan.seconds);
    if (case_.fresh || 'failed' in sample) await stage.stop();
    return sample;
  };
  const samples = await interleave(
    names,
    { warm: case_.fresh ? WARM.fresh : WARM.kept, rounds: plan.rounds },
    async (name, counts) => {
      try {
        // Again within the round if it must be, so that a round's ratios stay those of samples taken one after the other.
        return await (counts
          ? gate.sample(
              () => staged(name),
              () => take(name),
            )
          : take(name));
      } catch (error) {
        return { failed: error instanceof Error ? error.message : String(error) };
      }
    },
  );
  for (const stage of stages.values()) await stage.stop();
  return samples;
}
