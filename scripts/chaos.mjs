/** `npm run chaos -- [--cuts N] [--seed N]`: a session on a network that fails again and again; see e2e/chaos/cli.ts. */
import { ensureInstalled } from './lib/install.mjs';
import { ROOT } from './lib/paths.mjs';
import { endWithNpm } from './lib/run.mjs';

endWithNpm();
await ensureInstalled();

// Vite runs the TypeScript from where it stands, ours included: no build is needed.
const { runnerImport } = await import('vite');
const alias = { 'luasocket-web': `${ROOT}/client/src/index.ts`, 'luasocket-relay': `${ROOT}/relay/src/index.ts` };
const { module } = await /** @type {Promise<{ module: { main(args: string[]): Promise<number> } }>} */ (
  runnerImport(`${ROOT}/e2e/chaos/cli.ts`, { root: ROOT, configFile: false, logLevel: 'error', resolve: { alias } })
);
process.exit(await module.main(process.argv.slice(2)));
