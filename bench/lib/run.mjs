/** A whole run: the servers, the contenders, case by case. */
import { fileURLToPath } from 'node:url';
import { CONTENDERS } from '../contenders/index.mjs';
import { machine } from '../report/machine.mjs';
import { startBrowser } from './browser.mjs';
import { startProgram } from './program.mjs';
import { interleave } from './rounds.mjs';
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
  const servers = await startProgram(
    [process.execPath, fileURLToPath(new URL('../peers/main.mjs', import.meta.url))],
    /^(\{.*\})$/m,
  );
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
  const peers = JSON.parse(servers.said[1] ?? '');
  const browser = plan.cases.some(({ where }) => where === 'page') ? await startBrowser() : null;
  if (browser !== null) say(`Chromium ${browser.version}`);
  for (const case_ of plan.cases) {
    // Which has been said.
    if (case_.where === 'page' && browser === null) continue;
    const names = case_.contenders.filter((name) => present.includes(name));
    if (names.length === 0) continue;
    const samples = await runCase(case_, names, plan, peers, case_.where === 'page' ? browser : null);
    results[case_.name] = samples;
    tell(case_, samples);
  }
  await browser?.close();
  await servers.stop();
  const facts = { ...machine(), ...(browser === null ? {} : { Chromium: browser.version }) };
  return { machine: facts, rounds: plan.rounds, seconds: plan.seconds, cases: results, absent };
}

/**
 * @param {Case} case_
 * @param {readonly string[]} names
 * @param {Plan} plan
 * @param {import('../types.ts').Peers} peers
 * @param {Awaited<ReturnType<typeof startBrowser>>} browser Where the clients are; null: in Node.
 */
async function runCase(case_, names, plan, peers, browser) {
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
  const samples = await interleave(
    names,
    { warm: case_.fresh ? WARM.fresh : WARM.kept, rounds: plan.rounds },
    async (name) => {
      try {
        const stage = stages.get(name) ?? (await start(name));
        stages.set(name, stage);
        const sample = await stage.client.measure(case_.as ?? case_.name, plan.seconds);
        if (case_.fresh || 'failed' in sample) await stage.stop();
        return sample;
      } catch (error) {
        return { failed: error instanceof Error ? error.message : String(error) };
      }
    },
  );
  for (const stage of stages.values()) await stage.stop();
  return samples;
}
