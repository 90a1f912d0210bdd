/** The behaviour that all faces have in common, in Chromium, on each of them. */

import { expect, test } from '../fixtures/blocking.ts';
import { bundle } from '../fixtures/bundle.ts';
import { Tab } from '../fixtures/tab.ts';
import { BEHAVIOUR } from '../suite/behaviour.ts';

/** Runs one story, as text. A turn is a task: promises alone would let nothing come in. */
const story = (name: string) => `
  BEHAVIOUR.find(({ name }) => name === ${JSON.stringify(name)})
    .run(socket, () => new Promise((resolve) => setTimeout(resolve)))
    .finally(() => socket.relay.close())`;

for (const [face, page] of [
  ['promise', 'module.html'],
  ['poll', 'poll.html'],
] as const) {
  test(`${face}: does what every face must`, async ({ page: chromium, site, relay }) => {
    const tab = new Tab(chromium);
    await tab.load(`${site.url}/${page}`);
    await chromium.addScriptTag({ content: await bundle('suite.ts') });
    for (const { name } of BEHAVIOUR) {
      await test.step(name, async () => {
        await tab.connect(relay.endpoint);
        await chromium.evaluate(story(name));
      });
    }
    expect(tab.troubles).toEqual([]);
  });
}

test('blocking: does what every face must', async ({ bare, relay }) => {
  await bare.evaluate(await bundle('suite.ts'));
  for (const { name } of BEHAVIOUR) {
    await test.step(name, async () => {
      await bare.connect(relay.endpoint);
      await bare.evaluate(`return ${story(name).trim()}`);
    });
  }
});
