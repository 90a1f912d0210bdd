/** SECURITY.md tells operators which ports are denied; it tells all of them. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DENIED_TCP, DENIED_UDP } from '../../src/policy/ports.ts';
import { settings } from '../../src/settings.ts';

const text = readFileSync(new URL('../../../SECURITY.md', import.meta.url), 'utf8');

/** Every port that a section names. */
function documented(title: string): number[] {
  const section = text.split(`### ${title}\n`)[1]?.split('\n#')[0] ?? '';
  return [...section.matchAll(/\b(\d+)(?:-(\d+))?\b/g)].flatMap(([, first, last]) =>
    range(Number(first), Number(last ?? first)),
  );
}

const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
const sorted = (ports: readonly number[]) => [...new Set(ports)].sort((a, b) => a - b);

test.each([
  ['Denied TCP ports from 1024', DENIED_TCP],
  ['Denied UDP ports', DENIED_UDP],
] as const)('%s', (title, table) => {
  expect(sorted(documented(title))).toEqual(sorted(table.flatMap(([first, last]) => range(first, last))));
});

test('flags that SECURITY.md names exist', () => {
  const flags = settings().map(({ flag }) => flag);
  for (const flag of [
    '--origins',
    '--ticket-keys',
    '--ticket-audience',
    '--trusted-proxy',
    '--metrics-from',
    '--hostname',
  ]) {
    expect(text).toContain(flag);
    expect(flags).toContain(flag);
  }
});
