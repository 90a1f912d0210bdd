/** `npm run chaos`: the chaos run for the terminal: figures, what failed, and the sum. Exit status 0, 1 or 2 (wrong use). */
import { parseArgs } from 'node:util';
import { type Figures, runChaos } from './run.ts';

const USAGE = `usage: npm run chaos -- [options]
  --cuts N   how often the network is cut (default 1000)
  --seed N   repeats the moments and kinds of the cuts of another run (default: the time)
  --help     print this`;

/** @returns the exit status. */
export async function main(args: readonly string[]): Promise<number> {
  const options = { cuts: { type: 'string' }, seed: { type: 'string' }, help: { type: 'boolean' } } as const;
  let values: { cuts?: string; seed?: string; help?: boolean };
  try {
    ({ values } = parseArgs({ args: [...args], options }));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    return 2;
  }
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const [cuts, seed] = [Number(values.cuts ?? 1000), Number(values.seed ?? Date.now() % 1_000_000)];
  if (!Number.isInteger(cuts) || cuts < 1 || !Number.isInteger(seed)) {
    console.error(USAGE);
    return 2;
  }
  console.log(`${cuts} cuts, seed ${seed}`);
  let told = 0;
  const progress = (count: number) => {
    if (count < told + 100) return;
    told = count - (count % 100);
    console.log(`  ${told} cuts`);
  };
  try {
    const { figures, checks } = await runChaos({ cuts, seed, progress });
    for (const line of describe(figures)) console.log(line);
    const wrong = checks.filter((check) => check.wrong !== null);
    for (const { name, wrong: why } of wrong) console.log(`FAILED  ${name}: ${why}`);
    console.log(`${checks.length - wrong.length} passed, ${wrong.length} failed`);
    return wrong.length === 0 ? 0 : 1;
  } catch (error) {
    console.log(`FAILED  ${error instanceof Error ? error.message : error}`);
    console.log('0 passed, 1 failed');
    return 1;
  }
}

function describe(figures: Figures): string[] {
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  const kinds = [...figures.cuts].map(([kind, count]) => `${count} ${kind}`).join(', ');
  return [
    `${figures.cutCount} cuts in ${figures.seconds.toFixed(0)} s (${kinds}), ${figures.stalls} stalls that healed, ${figures.resumes} resumes`,
    `${figures.streams} TCP streams: ${megabytes(figures.up)} up, ${megabytes(figures.down)} down; ${figures.lost} bytes lost, ${figures.doubled} doubled, ${figures.reordered} directions out of order`,
    `${figures.operations} operations, ${figures.twice} executed twice; ${figures.datagrams.received} of ${figures.datagrams.sent} datagrams arrived`,
    `at most ${megabytes(figures.kept)} kept by the relay`,
  ];
}
