/** A process of the fuzz run: `node child.mjs FILE` runs that TypeScript from where it stands, as scripts/fuzz.mjs does. */
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[/\\]$/, '');
const alias = { 'luasocket-web': `${root}/client/src/index.ts` };
await runnerImport(process.argv[2], { root, configFile: false, logLevel: 'error', resolve: { alias } });
process.send('ready');
