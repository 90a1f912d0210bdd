/** `npm run build`: packages and console into their dist/ directories, declarations included. */
import { buildPrograms, buildTypes } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { endWithNpm } from './lib/run.mjs';

endWithNpm();
await ensureInstalled();
if (!(await buildPrograms()) || !(await buildTypes())) process.exit(1);
console.log('Built: client/dist (luasocket-web), relay/dist (luasocket-relay), console/dist.');
