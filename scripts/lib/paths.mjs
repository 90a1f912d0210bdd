/** Where things are. */
import { fileURLToPath } from 'node:url';

/** The repository's root, without a slash at its end. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/[/\\]$/, '');

/** What scripts keep between runs; goes with node_modules. */
export const CACHE = `${ROOT}/node_modules/.cache/luasocket-web`;
