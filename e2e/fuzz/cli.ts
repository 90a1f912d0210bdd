/** `npm run fuzz`: the fuzz run for the terminal: figures for each phase, what failed, and the sum. Exit status 0, 1 or 2 (wrong use). */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Timing } from './neighbour.ts';
import { type FuzzResult, type Phase, runFuzz } from './run.ts';

const USAGE = `usage: npm run fuzz -- [options]
  --messages N   how many messages the relay must have looked at (default 1000000)
  --seed N       repeats another run's messages (default: the time)
  --floods S     seconds of each flood; 0: none (default 12)
  --attackers N  processes that attack (default 2)
  --json FILE    writes everything that was measured to FILE
  --help         print this`;

const OPTIONS = {
  messages: { type: 'string' },
  seed: { type: 'string' },
  floods: { type: 'string' },
  attackers: { type: 'string' },
  json: { type: 'string' },
  help: { type: 'boolean' },
} as const;

/** @returns the exit status. */
export async function main(args: readonly string[]): Promise<number> {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    return 2;
  }
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const number = (text: string | undefined, fallback: number) => Number(text ?? fallback);
  const messages = number(values.messages, 1_000_000);
  const seed = number(values.seed, Date.now() % 1_000_000);
  const floodSeconds = number(values.floods, 12);
  const attackers = number(values.attackers, 2);
  const whole = [messages, attackers].every((value) => Number.isInteger(value) && value >= 1) && attackers <= 64;
  if (!whole || !Number.isInteger(seed) || !(floodSeconds >= 0)) {
    console.error(USAGE);
    return 2;
  }
  console.log(`${messages} messages, seed ${seed}`);
  console.log(HEAD);
  try {
    const result = await runFuzz({ messages, seed, floodSeconds, attackers, told: (phase) => console.log(row(phase)) });
    for (const line of describe(result)) console.log(line);
    if (values.json !== undefined) {
      const file = resolve(process.env.INIT_CWD ?? process.cwd(), values.json);
      await writeFile(file, `${JSON.stringify({ messages, seed, floodSeconds, attackers, ...result }, null, 2)}\n`);
    }
    const wrong = result.checks.filter((check) => check.wrong !== null);
    for (const { name, wrong: why } of wrong) console.log(`FAILED  ${name}: ${why}`);
    console.log(`${result.checks.length - wrong.length} passed, ${wrong.length} failed`);
    return wrong.length === 0 ? 0 : 1;
  } catch (error) {
    console.log(`FAILED  ${error instanceof Error ? error.message : error}`);
    console.log(`FAILED  ${error instanceof Error ? error.message : error}`);
    console.log('0 passed, 1 failed');
    return 1;
  }
}

const parse = (args: readonly string[]) => parseArgs({ args: [...args], options: OPTIONS }).values;

const COLUMNS = [20, 6, 9, 9, 23, 23, 13, 14, 10, 9] as const;
const line = (cells: readonly string[]): string =>
  cells.map((cell, i) => (i === 0 ? cell.padEnd(COLUMNS[i] ?? 0) : cell.padStart(COLUMNS[i] ?? 0))).join(' ');

const HEAD = [
  'Latencies in ms: p50/p99/max, and p99 to that of the same attack on another relay.',
  line([
    'attack',
    's',
    'messages',
    'conns',
    'TCP echo',
    'UDP echo',
    'newcomer p99',
    'loop p99/max',
    'RSS MiB',
    'log MB',
  ]),
].join('\n');

const digits = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0));

function timing({ p50, p99, max, count }: Timing, control: Timing | undefined): string {
  if (count === 0) return 'nothing';
  const ratio = control !== undefined && control.count > 0 ? ` x${(p99 / control.p99).toFixed(1)}` : '';
  return `${digits(p50)}/${digits(p99)}/${digits(max)}${ratio}`;
}

function row({ name, seconds, counts, reading, control, peakRss, loopDelay, logBytes }: Phase): string {
  const { newcomers, newcomersRefused } = reading;
  return line([
    name,
    seconds.toFixed(0),
    `${counts.messages}`,
    `${counts.connections}`,
    timing(reading.tcp, control?.tcp),
    timing(reading.udp, control?.udp),
    `${digits(newcomers.p99)}${newcomersRefused > 0 ? ` -${newcomersRefused}` : ''}`,
    loopDelay === null ? 'no answer' : `${digits(loopDelay.p99)}/${digits(loopDelay.max)}`,
    peakRss.toFixed(0),
    (logBytes / 1e6).toFixed(1),
  ]);
}

function describe({ phases, before, after, settled, logged }: FuzzResult): string[] {
  const lines = ['How connections ended:'];
  for (const { name, counts } of phases) {
    const endings = Object.entries(counts.endings).sort(([, a], [, b]) => b - a);
    if (endings.length > 0)
      lines.push(`  ${name}: ${endings.map(([ending, count]) => `${count} ${ending}`).join(', ')}`);
  }
  const lost = phases.reduce((sum, { reading }) => sum + reading.datagramsLost, 0);
  const megabytes = phases.reduce((sum, { reading }) => sum + reading.downloaded, 0) / 1e6;
  lines.push(
    `The neighbour downloaded ${megabytes.toFixed(1)} MB, byte by byte right; ${lost} of its datagrams were lost.`,
  );
  const held = (holdings: typeof before) =>
    `${holdings.rss.toFixed(0)} MiB (heap ${holdings.heap.toFixed(0)}, buffers ${holdings.external.toFixed(0)}), ${holdings.descriptors} descriptors, ${holdings.sessions} sessions, ${holdings.sockets} sockets`;
  lines.push(`The relay before: ${held(before)}`, `${settled.toFixed(0)} s after the end: ${held(after)}`);
  lines.push(
    `Its log: ${Object.entries(logged)
      .map(([message, count]) => `${count} "${message}"`)
      .join(', ')}`,
  );
  return lines;
}
