/** The command says what differs, and ends with the status it promises. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { main } from './cli.ts';

const SCENARIO = '{"scenario":"t"}\n{"call":"socket.skip","args":[1,"a","b"]}\n{"get":"socket._VERSION"}\n';
const TRANSCRIPT = '{"scenario":"t"}\n{"n":1,"ret":["b"]}\n{"n":2,"ret":["LuaSocket 3.0-rc1"]}\n';

let root: string;
let said: string[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'parity-'));
  mkdirSync(join(root, 's'));
  mkdirSync(join(root, 't'));
  said = [];
  const listen = (text: string): void => {
    said.push(text);
  };
  vi.spyOn(console, 'log').mockImplementation(listen);
  vi.spyOn(console, 'error').mockImplementation(listen);
  // Directories count from where npm was called.
  vi.stubEnv('INIT_CWD', root);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

const put = (directory: 's' | 't', name: string, text: string) =>
  writeFileSync(join(root, directory, `${name}.jsonl`), text);
const run = (...args: string[]) => main(['--no-namespace', '--scenarios', 's', '--transcripts', 't', ...args]);

test('equal transcripts', async () => {
  put('s', 'one', SCENARIO);
  put('t', 'one', TRANSCRIPT);
  expect(await run()).toBe(0);
  expect(said).toEqual(['1 passed, 0 failed']);
});

test('a difference is shown with its operation', async () => {
  put('s', 'one', SCENARIO);
  put('t', 'one', TRANSCRIPT.replace('"b"', '"c"'));
  put('s', 'two', SCENARIO);
  put('t', 'two', TRANSCRIPT);
  expect(await run()).toBe(1);
  expect(said.at(-1)).toBe('1 passed, 1 failed');
  expect(said[0]).toBe(
    `one: differs from LuaSocket
  {"call":"socket.skip","args":[1,"a","b"]}
    expected {"n":1,"ret":["c"]}
    got      {"n":1,"ret":["b"]}`,
  );
});

test('a transcript that ends too early, or too late', async () => {
  put('s', 'early', SCENARIO);
  put('t', 'early', TRANSCRIPT.split('\n').slice(0, 2).join('\n'));
  put('s', 'late', SCENARIO);
  put('t', 'late', `${TRANSCRIPT}{"n":3,"ret":[]}\n`);
  expect(await run()).toBe(1);
  expect(said.at(-1)).toBe('0 passed, 2 failed');
});

test('a scenario without a transcript fails by name', async () => {
  put('s', 'lonely', SCENARIO);
  expect(await run()).toBe(1);
  expect(said[0]).toMatch(/^lonely: there is no .*t\/lonely\.jsonl$/);
  expect(said.at(-1)).toBe('0 passed, 1 failed');
});

test('only what was asked for', async () => {
  put('s', 'one', SCENARIO);
  put('t', 'one', TRANSCRIPT);
  put('s', 'two', SCENARIO);
  expect(await run('--only', 'on')).toBe(0);
  expect(said).toEqual(['1 passed, 0 failed']);
});

test.each([
  [['--nonsense']],
  [['--face', 'nonsense']],
  [['--only', 'no such scenario']],
  [['--scenarios', 'no such directory']],
  [['--live']],
])('wrong use: %j', async (args) => {
  put('s', 'one', SCENARIO);
  expect(await run(...args)).toBe(2);
  expect(said.join('\n')).toContain('usage: npm run parity');
});

test.each([
  [['--random', '0'], '--random'],
  [['--random', 'many'], '--random'],
  [['--random', '1e3'], '--random'],
  [['--random', '5', '--seed', '1.5'], '--seed'],
  [['--random', '5', '--seed', '4294967296'], '--seed'],
  [['--seed', '5'], '--seed'],
  [['--random', '5', '--live'], '--random'],
  [['--random', '5', '--only', '14'], '--random'],
  [['--random', '5', '--transcripts', 't'], '--random'],
])('wrong use of random scenarios: %j', async (args, flag) => {
  expect(await main(['--no-namespace', ...args])).toBe(2);
  expect(said[0]?.split('\n')[0]).toContain(flag);
});
