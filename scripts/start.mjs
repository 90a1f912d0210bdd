/**
 * `npm start`: a relay in development mode on 127.0.0.1, with the console at / and practice servers.
 *
 * PORT changes the port (default 8080). More arguments go to the relay: `npm start -- --help`.
 */
import { buildPrograms } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { ROOT } from './lib/paths.mjs';
import { endWithNpm } from './lib/run.mjs';

endWithNpm();
await ensureInstalled();
if (!(await buildPrograms())) process.exit(1);

// In this process, so that signals and the exit status are the relay's own.
const settings = ['--listen', `127.0.0.1:${process.env.PORT || '8080'}`, '--mode', 'development', '--practice'];
// Whoever stops it wants it to stop now, and not once the last page has gone.
settings.push('--limits-drain-seconds', '0');
process.argv.splice(1, 1, `${ROOT}/relay/dist/cli.js`, ...settings);
await import(new URL('../relay/dist/cli.js', import.meta.url).href);
