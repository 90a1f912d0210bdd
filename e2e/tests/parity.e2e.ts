/**
 * Every scenario of parity/, run in Chromium, comes out as real LuaSocket wrote it. Scenarios sleep for 0.1 s and expect that
 * a peer's answer is there by then: @timed.
 */
import { test as blockingTest } from '../fixtures/blocking.ts';
import { bundle } from '../fixtures/bundle.ts';
import { test as luaTest } from '../fixtures/lua.ts';
import { startSecludedRelay } from '../fixtures/relay.ts';
import { expect, test } from '../fixtures/test.ts';
import { transcribeIn } from '../parity/blocking-face.ts';
import { describe, differences, linesOf, operationsOf } from '../parity/compare.ts';
import { collections, namesIn, readBytes } from '../parity/files.ts';
import { transcribeIn as transcribeInLua } from '../parity/lua-face.ts';
import { parseScenarios } from '../parity/scenario.ts';

/** Seconds a file of scenarios may take in Lua. */
const LIMIT = 60;

/** Runs all scenarios; `transcribe` makes the transcript of a file's text. */
async function runAll(transcribe: (text: string, url: string) => Promise<string[]>): Promise<void> {
  const relay = await startSecludedRelay();
  const complaints: string[] = [];
  let passed = 0;
  try {
    for (const { scenarios, transcripts } of collections) {
      for (const name of namesIn(scenarios)) {
        const text = readBytes(scenarios, name);
        const got = await transcribe(text, relay.endpoint);
        const operations = operationsOf(parseScenarios(text));
        const found = differences(operations, linesOf(readBytes(transcripts, name)), got);
        if (found.length === 0) passed++;
        complaints.push(...found.map((difference) => `${name}\n${describe(difference)}`));
      }
    }
  } finally {
    await relay.close();
  }
  expect(complaints.join('\n')).toBe('');
  expect(passed).toBeGreaterThanOrEqual(40);
}

test('all scenarios, byte for byte', { tag: '@timed' }, async ({ bareTab: tab }) => {
  test.setTimeout(240_000);
  await tab.page.addScriptTag({ content: await bundle('parity.ts') });
  await runAll((text, url) => {
    const call = `transcribe(${JSON.stringify(text)}, ${JSON.stringify(url)}, 'promise')`;
    return tab.page.evaluate<string[]>(call);
  });
  expect(tab.troubles).toEqual([]);
});

blockingTest('all scenarios on the face that blocks, byte for byte', { tag: '@timed' }, async ({ bare }) => {
  test.setTimeout(240_000);
  await bare.evaluate(await bundle('parity.ts'));
  await runAll((text, url) => transcribeIn(bare, text, url));
});

luaTest(
  'all scenarios in Lua, where the program for real LuaSocket runs them',
  { tag: '@timed' },
  async ({ bareLua }) => {
    test.setTimeout(240_000);
    await runAll((text, url) => transcribeInLua(bareLua.page, text, url, LIMIT));
  },
);
