/** Every scenario of parity/, run in Chromium, comes out as real LuaSocket wrote it. */

import { bundle } from '../fixtures/bundle.ts';
import { startSecludedRelay } from '../fixtures/relay.ts';
import { expect, test } from '../fixtures/test.ts';
import { describe, differences, linesOf, operationsOf } from '../parity/compare.ts';
import { collections, namesIn, readBytes } from '../parity/files.ts';
import { parseScenarios } from '../parity/scenario.ts';

test('all scenarios, byte for byte', async ({ bareTab: tab }) => {
  test.setTimeout(240_000);
  await tab.page.addScriptTag({ content: await bundle('parity.ts') });
  const relay = await startSecludedRelay();
  const complaints: string[] = [];
  let passed = 0;
  try {
    for (const { scenarios, transcripts } of collections) {
      for (const name of namesIn(scenarios)) {
        const text = readBytes(scenarios, name);
        const call = `transcribe(${JSON.stringify(text)}, ${JSON.stringify(relay.endpoint)})`;
        const got = await tab.page.evaluate<string[]>(call);
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
  expect(tab.troubles).toEqual([]);
});
