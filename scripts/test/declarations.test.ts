import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { copyDeclarations } from '../lib/declarations.mjs';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'luasocket-web-types-'));
  mkdirSync(join(folder, 'from/core'), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

function declare(name: string, text: string): void {
  writeFileSync(join(folder, 'from', name), text);
}
const copy = (allowed: string[]) => copyDeclarations(join(folder, 'from'), join(folder, 'to'), ['index.d.ts'], allowed);
const copied = (name: string) => existsSync(join(folder, 'to', name));

it('takes the entry and what it leads to, and nothing else', () => {
  declare('index.d.ts', "export * from './api.ts';\nexport type X = import('./core/op.ts').Op;\n");
  declare('api.d.ts', "import type { Index } from './index.ts';\n");
  declare('core/op.d.ts', 'export type Op = 1;\n');
  declare('session.d.ts', "import '@luasocket-web/shared/frames';\n");
  copy([]);
  expect(['index.d.ts', 'api.d.ts', 'core/op.d.ts'].map(copied)).toEqual([true, true, true]);
  expect(copied('session.d.ts')).toBe(false);
});

it('refuses what users of the package do not have', () => {
  declare('index.d.ts', "import type { z } from 'zod';\nexport type X = z.input;\n");
  expect(() => copy([])).toThrow(/imports zod/);
  copy(['zod']);
  expect(copied('index.d.ts')).toBe(true);
});
