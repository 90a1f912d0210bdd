/** The walls between rooms are rules of biome.json: each is shown lines that it must refuse. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const CROSSINGS = [
  ['shared/src', 'node:net'],
  ['shared/src/codec', 'msgpackr'],
  ['client/src', 'node:net'],
  ['client/src', 'luasocket-relay'],
  ['client/src', '../../relay/src/index.ts'],
  ['client/src/core', '../session/session.ts'],
  ['client/src/core', '../wait/promise.ts'],
  ['client/src/core', '@luasocket-web/shared/codec'],
  ['client/src/transport', '../session/session.ts'],
  ['relay/src', 'luasocket-web'],
  ['relay/src', '../../client/src/index.ts'],
  ['relay/src/session', 'koffi'],
  ['relay/src/sockets', '../session/session.ts'],
  ['relay/src/os', '../session/session.ts'],
] as const;
const ALLOWED = [
  ['client/src/core/a.ts', './op.ts'],
  ['client/src/session/a.ts', '../core/channel.ts'],
  ['relay/src/os/a.ts', 'koffi'],
  ['shared/test/a.test.ts', 'msgpackr'],
] as const;

const folder = mkdtempSync(join(tmpdir(), 'luasocket-web-walls-'));
const file = (place: string, name: string) => `${place}/${name.replaceAll(/\W/g, '-')}.ts`;
/** The rules that each file breaks. */
const broken = new Map<string, string[]>();

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

beforeAll(() => {
  for (const name of ['biome.json', '.gitignore']) cpSync(join(root, name), join(folder, name));
  for (const [place, module] of CROSSINGS) write(file(place, module), `import '${module}';\n`);
  for (const [path, module] of ALLOWED) write(path, `import '${module}';\n`);
  write('client/src/any.ts', 'export const x: any = 1;\n');
  write('client/src/long.ts', 'let x = 1;\n'.repeat(401));
  write('client/src/one.ts', "import { two } from './two.ts';\nexport const one = () => two;\n");
  write('client/src/two.ts', "import { one } from './one.ts';\nexport const two = () => one;\n");
  const args = [
    join(root, 'node_modules/@biomejs/biome/bin/biome'),
    'lint',
    '--reporter=json',
    '--max-diagnostics=none',
  ];
  const { stdout } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
  for (const { category, location } of JSON.parse(stdout).diagnostics) {
    broken.set(location.path, [...(broken.get(location.path) ?? []), category]);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('walls', () => {
  for (const [place, module] of CROSSINGS) {
    it(`${place} may not import ${module}`, () => {
      expect(broken.get(file(place, module))).toContain('lint/style/noRestrictedImports');
    });
  }

  for (const [path, module] of ALLOWED) {
    it(`${path} may import ${module}`, () => {
      expect(broken.get(path) ?? []).not.toContain('lint/style/noRestrictedImports');
    });
  }

  it('no any, no circle, no file that has grown too long', () => {
    expect(broken.get('client/src/any.ts')).toContain('lint/suspicious/noExplicitAny');
    expect(broken.get('client/src/one.ts')).toContain('lint/suspicious/noImportCycles');
    expect(broken.get('client/src/long.ts')).toContain('lint/style/noExcessiveLinesPerFile');
  });
});
