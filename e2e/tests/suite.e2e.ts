/** The behaviour that all faces have in common, in Chromium, on those that run in a page. */
import { bundle } from '../fixtures/bundle.ts';
import { Tab } from '../fixtures/tab.ts';
import { expect, test } from '../fixtures/test.ts';
import { BEHAVIOUR } from '../suite/behaviour.ts';

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
        const story = `BEHAVIOUR.find(({ name }) => name === ${JSON.stringify(name)})`;
        // A turn is a task: promises alone would let nothing come in.
        const turn = '() => new Promise((resolve) => setTimeout(resolve))';
        await chromium.evaluate(`${story}.run(socket, ${turn}).finally(() => socket.relay.close())`);
      });
    }
    expect(tab.troubles).toEqual([]);
  });
}
