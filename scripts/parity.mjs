/** `npm run parity -- [options]`: compares our client with real LuaSocket, scenario by scenario; see e2e/parity/cli.ts. */
import { buildPrograms } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { ROOT } from './lib/paths.mjs';
import { endWithNpm } from './lib/run.mjs';

endWithNpm();
await ensureInstalled();
if (!(await buildPrograms())) process.exit(1);

// Vite runs the TypeScript from where it stands; the packages under test are used as they are built.
const { runnerImport } = await import('vite');
const external = ['luasocket-web', 'luasocket-relay'];
const { module } = await /** @type {Promise<{ module: { main(args: string[]): Promise<number> } }>} */ (
  runnerImport(`${ROOT}/e2e/parity/cli.ts`, { root: ROOT, configFile: false, logLevel: 'error', ssr: { external } })
);
process.exit(await module.main(process.argv.slice(2)));
