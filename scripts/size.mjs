/**
 * `npm run size`: builds, prints what the client costs a page (gzipped), and fails when something is above its budget.
 * `npm run size -- --parts` prints what the parts of `luasocket-web` weigh; `--files`, what its files do.
 */
import { buildPrograms } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { endWithNpm } from './lib/run.mjs';

const PARTS = {
  '--parts': (/** @type {string} */ file) => roomOf(file),
  '--files': (/** @type {string} */ file) => file,
};
const [wanted, ...more] = process.argv.slice(2);
if (more.length > 0 || (wanted !== undefined && !Object.hasOwn(PARTS, wanted))) {
  console.error('npm run size [-- --parts | --files]');
  process.exit(2);
}
endWithNpm();
await ensureInstalled();
if (!(await buildPrograms())) process.exit(1);
// Not before: it needs what has just been installed.
const { BUDGETS, excess, measure, weigh } = await import('./lib/size.mjs');

if (wanted !== undefined) {
  const partOf = PARTS[/** @type {keyof typeof PARTS} */ (wanted)];
  for (const { name, bytes, gzip } of await weigh(partOf)) print(gzip, bytes, name);
} else {
  const sizes = await measure();
  for (const { name, bytes, gzip } of sizes) print(gzip, bytes, `${name} (budget ${format(BUDGETS[name] ?? 0)})`);
  const above = excess(sizes);
  for (const line of above) console.error(line);
  if (above.length > 0) process.exitCode = 1;
}

/** @param {number} bytes */
function format(bytes) {
  return bytes.toLocaleString('en');
}

/**
 * @param {number} gzip
 * @param {number} bytes
 * @param {string} name
 */
function print(gzip, bytes, name) {
  console.log(`${format(gzip).padStart(8)} gzip ${format(bytes).padStart(8)} min  ${name}`);
}

/**
 * The room of a source file (ARCHITECTURE.md): its directory.
 * @param {string} file
 */
function roomOf(file) {
  return file.slice(0, file.lastIndexOf('/'));
}
