/** `npm run docs`: the API reference, from the sources, into docs/dist. */
import { ensureInstalled } from './lib/install.mjs';
import { ROOT } from './lib/paths.mjs';
import { endWithNpm, runNode } from './lib/run.mjs';

endWithNpm();
await ensureInstalled();
// TypeDoc needs TypeScript's JavaScript API, which TypeScript 7 does not have: docs/ has a TypeScript 6 of its own.
const { code } = await runNode(`${ROOT}/docs/node_modules/typedoc/bin/typedoc`, [
  '--options',
  `${ROOT}/docs/typedoc.json`,
]);
process.exit(code);
