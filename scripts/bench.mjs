/** `npm run bench [-- NAME ...]`: builds, and runs the measurements in bench/, all or those named. They print figures and judge nothing. */
import { readdirSync } from 'node:fs';
import { buildPrograms } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { ROOT } from './lib/paths.mjs';
import { endWithNpm, runNode } from './lib/run.mjs';

endWithNpm();
await ensureInstalled();
if (!(await buildPrograms())) process.exit(1);

const all = readdirSync(`${ROOT}/bench`)
  .filter((file) => file.endsWith('.mjs'))
  .map((file) => file.replace('.mjs', ''));
const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !all.includes(name));
if (unknown !== undefined) {
  console.error(`There is no measurement called "${unknown}": ${all.join(', ')}.`);
  process.exit(2);
}
for (const name of wanted.length > 0 ? wanted : all) {
  const { code } = await runNode(`${ROOT}/bench/${name}.mjs`, []);
  if (code !== 0) process.exit(code);
}
