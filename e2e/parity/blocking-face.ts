/** `luasocket-web/blocking` as a face that runs scenarios: in a worker of an isolated page in Chromium. */
import { type Browser, chromium } from '@playwright/test';
import { BlockingTab } from '../fixtures/blocking-tab.ts';
import { bundle } from '../fixtures/bundle.ts';
import { launchOptions } from '../fixtures/chromium.ts';
import { type Site, startSite } from '../fixtures/site.ts';
import { type Face, noAnswer } from './face.ts';

export async function openBlockingFace(): Promise<Face> {
  const [site, browser, script] = await Promise.all([
    startSite(),
    chromium.launch(launchOptions()),
    bundle('parity.ts'),
  ]);
  return {
    transcribe: (text, url, limit) => transcribe(browser, site, script, text, url, limit),
    async close() {
      await browser.close();
      await site.close();
    },
  };
}

/** Each file has a page of its own: one whose worker is stuck is of no more use. */
async function transcribe(
  browser: Browser,
  site: Site,
  script: string,
  text: string,
  url: string,
  limit: number,
): Promise<string[]> {
  const page = await browser.newPage();
  const tab = new BlockingTab(page);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string[]>((resolve) => {
    timer = setTimeout(() => resolve([noAnswer(limit)]), limit * 1000);
  });
  try {
    await tab.load(`${site.url}/isolated/blocking.html`);
    await tab.evaluate(script);
    const lines = await Promise.race([transcribeIn(tab, text, url), late]);
    return [...lines, ...tab.troubles];
  } finally {
    clearTimeout(timer);
    await page.close();
  }
}

/** The transcript that the worker of `tab` makes, where parity.ts was loaded. */
export function transcribeIn(tab: BlockingTab, text: string, url: string): Promise<string[]> {
  return tab.run((_, given) => (globalThis as unknown as ParityScript).transcribe(given.text, given.url, 'never'), {
    text,
    url,
  });
}

/** What pages/parity.ts defines. */
interface ParityScript {
  transcribe(text: string, endpoint: string, waits: 'promise' | 'never'): Promise<string[]>;
}
