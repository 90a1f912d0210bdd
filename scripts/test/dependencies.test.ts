/** Every dependency has its line in docs/dependencies.md, which says why it and not its rival. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const manifests = ['.', ...readdirSync(root)].map((name) => `${root}${name}/package.json`).filter(existsSync);
const told = readFileSync(`${root}docs/dependencies.md`, 'utf8');

it('has a line for every dependency', () => {
  const names = manifests.flatMap((file) => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(readFileSync(file, 'utf8'));
    return Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
  });
  const ours = new Set(manifests.map((file) => JSON.parse(readFileSync(file, 'utf8')).name));
  const silent = names.filter(
    (name) => !ours.has(name) && !name.startsWith('@types/') && !new RegExp(`^\\| ${name}[ ,]`, 'm').test(told),
  );
  expect(new Set(silent)).toEqual(new Set([]));
});
