/** Takes a package's type declarations out of the compiler's output: an entry's, and those it leads to. */
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const SPECIFIER = /(?:from\s+|import\s*\(\s*|import\s+)(['"])([^'"]+)\1/g;

/**
 * Copies ENTRY.d.ts and what it imports by relative path, so that what is only used within stays out of the package.
 * @param {string} from The compiler's output directory.
 * @param {string} to
 * @param {readonly string[]} entries File names in `from`.
 * @param {readonly string[]} allowed Packages that declarations may import: what the package depends on.
 */
export function copyDeclarations(from, to, entries, allowed) {
  const todo = entries.map((entry) => join(from, entry));
  const done = new Set();
  for (let file = todo.pop(); file !== undefined; file = todo.pop()) {
    if (done.has(file)) continue;
    done.add(file);
    if (!existsSync(file)) throw new Error(`The compiler made no ${file}.`);
    for (const [, , specifier = ''] of readFileSync(file, 'utf8').matchAll(SPECIFIER)) {
      if (specifier.startsWith('.')) todo.push(join(dirname(file), specifier.replace(/\.[jt]s$/, '.d.ts')));
      else if (!allowed.some((name) => specifier === name || specifier.startsWith(`${name}/`)))
        throw new Error(`${relative(from, file)} imports ${specifier}, which users of the package do not have.`);
    }
    const target = join(to, relative(from, file));
    mkdirSync(dirname(target), { recursive: true });
    cpSync(file, target);
  }
}
