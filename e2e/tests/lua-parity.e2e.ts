/** The program that made the transcripts of real LuaSocket runs unmodified in a Lua in Chromium, and writes the same. */
import { readFileSync } from 'node:fs';
import { expect, test } from '../fixtures/lua.ts';
import { startSecludedRelay } from '../fixtures/relay.ts';
import { describe, differences, linesOf, operationsOf } from '../parity/compare.ts';
import { collections, namesIn, readBytes, realLua } from '../parity/files.ts';
import { parseScenarios } from '../parity/scenario.ts';

/** Gives the program its standard input. */
const INPUT = 'local text = ... io.lines = function() return text:gmatch "[^\\n]+" end';

test('all scenarios, byte for byte', async ({ bareLua: tab }) => {
  test.setTimeout(240_000);
  const program = readFileSync(realLua, 'utf8');
  const relay = await startSecludedRelay();
  const complaints: string[] = [];
  let passed = 0;
  try {
    for (const { scenarios, transcripts } of collections) {
      for (const name of namesIn(scenarios)) {
        const text = readBytes(scenarios, name);
        await tab.start(relay.endpoint);
        await tab.run(INPUT, Buffer.from(text, 'latin1').toString());
        await tab.run(program);
        const got = await tab.printed();
        await tab.close();
        const found = differences(operationsOf(parseScenarios(text)), linesOf(readBytes(transcripts, name)), got);
        if (found.length === 0) passed++;
        complaints.push(...found.map((difference) => `${name}\n${describe(difference)}`));
      }
    }
  } finally {
    await relay.close();
  }
  expect(complaints.join('\n')).toBe('');
  expect(passed).toBeGreaterThanOrEqual(40);
});
