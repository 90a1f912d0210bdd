/** A fingerprint of source files, to tell whether what was made of them is up to date. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { ROOT } from './paths.mjs';

const NOT_SOURCES = new Set(['node_modules', 'dist', 'test']);

/**
 * @param {string} path Of a file or directory, from the root.
 * @returns {string[]} Its files, in a stable order.
 */
function files(path) {
  if (!existsSync(`${ROOT}/${path}`)) return [];
  if (!statSync(`${ROOT}/${path}`).isDirectory()) return [path];
  const names = readdirSync(`${ROOT}/${path}`).filter((name) => !NOT_SOURCES.has(name));
  return names.sort().flatMap((name) => files(`${path}/${name}`));
}

/**
 * @param {readonly string[]} paths Files and directories, from the root.
 * @returns {string} Changes when a file comes, goes or changes.
 */
export function fingerprint(paths) {
  const hash = createHash('sha256').update(process.version);
  for (const file of paths.flatMap(files)) hash.update(`\0${file}\0`).update(readFileSync(`${ROOT}/${file}`));
  return hash.digest('hex');
}
