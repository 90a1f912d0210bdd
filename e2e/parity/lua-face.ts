/**
 * `luasocket-web/lua` as a face that runs scenarios: real.lua itself, unmodified, in a Lua in Chromium. A scenario then
 * meets the descriptors of a session of its own, since real.lua closes what the one before it opened.
 */
import { readFileSync } from 'node:fs';
import { chromium, type Page } from '@playwright/test';
import { launchOptions } from '../fixtures/chromium.ts';
import { startSite } from '../fixtures/site.ts';
import { type Face, noAnswer } from './face.ts';
import { realLua } from './files.ts';

/** Gives the program its standard input. */
const INPUT = 'local text = ... io.lines = function() return text:gmatch "[^\\n]+" end';

export async function openLuaFace(): Promise<Face> {
  const [site, browser] = await Promise.all([startSite(), chromium.launch(launchOptions())]);
  return {
    async transcribe(text, url, limit) {
      // A page of its own: one whose Lua is stuck is of no more use.
      const page = await browser.newPage();
      try {
        await page.goto(`${site.url}/isolated/lua.html`);
        await page.waitForFunction('globalThis.start !== undefined');
        return await transcribeIn(page, text, url, limit);
      } finally {
        await page.close();
      }
    },
    async close() {
      await browser.close();
      await site.close();
    },
  };
}

/** The transcript of a file's text (bytes as Latin-1), made in a page that has loaded lua.html. */
export async function transcribeIn(page: Page, text: string, url: string, limit: number): Promise<string[]> {
  const call = (name: string, ...args: readonly unknown[]) =>
    page.evaluate<unknown>(`${name}(${args.map((arg) => JSON.stringify(arg)).join(', ')})`);
  await call('start', { relay: url });
  await call('run', INPUT, [Buffer.from(text, 'latin1').toString()]);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), limit * 1000);
  });
  const outcome = await Promise.race([call('run', readFileSync(realLua, 'utf8'), []), late]);
  clearTimeout(timer);
  const lines = (await page.evaluate('printed')) as string[];
  if (outcome === 'late') return [...lines, noAnswer(limit)];
  await call('lua.close');
  const { error } = outcome as { readonly error?: string };
  return error === undefined ? lines : [...lines, `(${error})`];
}
