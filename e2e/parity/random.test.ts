/** Random scenarios can be had again by their seed, and what differs becomes small. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { linesOf } from './compare.ts';
import type { Face } from './face.ts';
import { contest } from './random/contest.ts';
import { generate, scenarioOf, textOf } from './random/generate.ts';
import { shrink } from './random/shrink.ts';
import type { Step } from './random/world.ts';
import { type Operation, parseScenarios } from './scenario.ts';

const SEEDS = Array.from({ length: 300 }, (_, seed) => seed);

test('a seed always makes the same scenario, and each another one', () => {
  const texts = SEEDS.map((seed) => textOf(scenarioOf('s', generate(seed, 'rc1'))));
  expect(SEEDS.map((seed) => textOf(scenarioOf('s', generate(seed, 'rc1'))))).toEqual(texts);
  expect(new Set(texts).size).toBe(texts.length);
});

test('a text is ASCII, and reads as the scenario it was made of', () => {
  for (const seed of SEEDS) {
    const scenario = scenarioOf(String(seed), generate(seed, 'common'));
    const text = textOf(scenario);
    expect(text).toMatch(/^[\n -~]*$/);
    expect(parseScenarios(text)).toEqual([JSON.parse(JSON.stringify(scenario))]);
  }
});

test('all of the library is in the grammar', () => {
  const called = new Set<string | undefined>();
  const note = ({ call }: Operation): unknown => called.add(call);
  for (const seed of SEEDS) generate(seed, 'rc1').flat().forEach(note);
  const methods = 'accept bind close connect dirty getfd getoption getpeername getsockname getstats listen receive';
  const more = 'receivefrom send sendto setfd setoption setpeername setsockname setstats settimeout shutdown';
  for (const name of `${methods} ${more}`.split(' ')) expect(called).toContain(name);
  const library = 'tcp tcp6 udp udp6 bind connect connect4 connect6 newtry protect try select skip sleep sink source';
  const dns = 'dns.getaddrinfo dns.gethostname dns.getnameinfo dns.tohostname dns.toip';
  for (const name of `${library} ${dns}`.split(' ')) expect(called).toContain(`socket.${name}`);
});

const named = (...names: string[]): Step => names.map((call) => ({ call }));

test('what does not matter is left out', async () => {
  const steps = [named('a', 'b'), named('c'), named('d'), named('settimeout', 'e'), named('f'), named('g')];
  const matters = ['b', 'e'];
  const holds = async (some: readonly Step[]): Promise<boolean> => {
    const left = some.flat().map(({ call }) => call);
    return matters.every((call) => left.includes(call));
  };
  const least = await shrink(steps, holds);
  expect(least.flat().map(({ call }) => call)).toEqual(['b', 'settimeout', 'e']);
});

test('a difference is told with the least that shows it, and the seed that makes it again', async () => {
  const root = mkdtempSync(join(tmpdir(), 'parity-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  // Both only repeat what they are to run; the face does so wrongly in one place.
  const lua = join(root, 'lua');
  writeFileSync(lua, '#!/bin/sh\nexec cat\n');
  chmodSync(lua, 0o755);
  const wrong = (line: string): string => line.replace('"getstats"', '"getstatus"');
  const face: Face = { transcribe: async (text) => linesOf(text).map(wrong), close: () => Promise.resolve() };
  const said: string[] = [];
  const given = { face, url: '', lua, say: (line: string) => said.push(line) };
  const seed = SEEDS.find((each) => textOf(scenarioOf('', generate(each, 'common'))).includes('"getstats"')) ?? 0;
  expect(await contest({ ...given, seed, count: 1 })).toBe(1);
  expect(said[0]).toBe(`seed ${seed} (--random 1 --seed ${seed}) differs:`);
  const [least] = parseScenarios(said[1] ?? '');
  const rest = least?.operations.filter(({ call }) => call !== 'socket.sleep' && call !== 'settimeout');
  expect(rest?.map(({ call }) => call)).toEqual(['getstats']);
  expect(said[2]).toContain('getstatus');
  const silent = { ...given, face: { ...face, transcribe: async (text: string) => linesOf(text) } };
  expect(await contest({ ...silent, seed, count: 20 })).toBe(0);
});
