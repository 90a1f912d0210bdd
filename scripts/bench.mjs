/** `npm run bench [-- OPTIONS]`: builds, and measures us beside others; `npm run bench poll`: what a frame of the poll face costs. */
import { buildPrograms } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { ROOT } from './lib/paths.mjs';
import { endWithNpm, runNode } from './lib/run.mjs';

endWithNpm();
const args = process.argv.slice(2);
const poll = args[0] === 'poll' && args.length === 1;
await ensureInstalled();
if (!(await buildPrograms())) process.exit(1);
const { code } = await runNode(`${ROOT}/bench/${poll ? 'poll' : 'main'}.mjs`, poll ? [] : args);
process.exit(code);
