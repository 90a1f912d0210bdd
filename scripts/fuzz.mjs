/** `npm run fuzz [-- --messages N]`: a relay in public mode under attack while a neighbour plays; see e2e/fuzz/cli.ts. */
import { fileURLToPath } from 'node:url';
import { buildPrograms } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { ROOT } from './lib/paths.mjs';
import { isolation } from './lib/programs.mjs';
import { endWithNpm, run } from './lib/run.mjs';

const INSIDE = '--inside';

endWithNpm();
const args = process.argv.slice(2);
if (args[0] !== INSIDE) {
  await ensureInstalled();
  if (!(await buildPrograms())) process.exit(1);
  // Nothing of this may leave the machine, whatever the relay lets pass.
  const isolated = await isolation();
  const { code } = await run(...isolated(process.execPath, [fileURLToPath(import.meta.url), INSIDE, ...args]));
  process.exit(code);
}

// Vite runs the TypeScript from where it stands; the relay is the one that is built.
const { runnerImport } = await import('vite');
const { module } = await /** @type {Promise<{ module: { main(args: string[]): Promise<number> } }>} */ (
  runnerImport(`${ROOT}/e2e/fuzz/cli.ts`, { root: ROOT, configFile: false, logLevel: 'error' })
);
process.exit(await module.main(args.slice(1)));
