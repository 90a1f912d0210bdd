/** A contender's client in a page of a real Chromium; the same to its callers as one in Node. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { chromium as playwright } from '@playwright/test';
import { build } from 'vite';
import { chromium as findChromium } from '../../scripts/lib/programs.mjs';
import { costOf } from './cost.mjs';

/** @typedef {import('../types.ts').Place} Place */
/** @typedef {import('../types.ts').Sample} Sample */

const PAGE = fileURLToPath(new URL('../page.mjs', import.meta.url));
/** Beyond any sample: what takes longer hangs. */
const SAMPLE_MILLISECONDS = 45_000;
/** Clocks of pages are coarse, to 100 us, unless these are sent. */
const ISOLATION = {
  'content-type': 'text/html; charset=utf-8',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** @returns {Promise<Awaited<ReturnType<typeof launch>> | null>} Null where there is no Chromium, which has been said. */
export async function startBrowser() {
  const path = await findChromium();
  return path === undefined ? null : launch(path);
}

/** @param {string} path */
async function launch(path) {
  const browser = await playwright.launch({
    executablePath: path,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
  });
  const site = createServer((_, response) =>
    response.writeHead(200, ISOLATION).end('<!doctype html><title>bench</title>'),
  );
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (site.address());
  /** @type {Map<string, Promise<string>>} By checkout. */
  const scripts = new Map();

  return {
    version: browser.version(),
    /** @param {string} contender @param {Place} place */
    async page(contender, place) {
      const script = scripts.get(place.root) ?? bundle(place.root);
      scripts.set(place.root, script);
      // Of its own, and so in a process of its own.
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.exposeFunction('relayCost', () => costOf(place.pid));
      await page.goto(`http://127.0.0.1:${port}/`);
      await page.addScriptTag({ content: await script });
      return {
        /** @param {string} name @param {number} seconds @returns {Promise<Sample>} */
        async measure(name, seconds) {
          const order = { contender, name, place, seconds };
          /** @type {NodeJS.Timeout | undefined} */
          let timer;
          const late = new Promise((_, reject) => {
            timer = setTimeout(() => reject(new Error('hangs')), SAMPLE_MILLISECONDS);
          });
          try {
            const figures = page.evaluate(
              (given) => /** @type {typeof globalThis & { measure: Function }} */ (globalThis).measure(given),
              order,
            );
            return { figures: await Promise.race([figures, late]) };
          } catch (error) {
            return { failed: error instanceof Error ? error.message : String(error) };
          } finally {
            clearTimeout(timer);
          }
        },
        stop: () => context.close(),
      };
    },
    async close() {
      await browser.close();
      site.close();
    },
  };
}

/** @param {string} root Checkout whose client is taken. @returns {Promise<string>} */
async function bundle(root) {
  const made = await build({
    configFile: false,
    logLevel: 'error',
    resolve: root === '' ? {} : { alias: { 'luasocket-web': `${root}/client/dist/index.js` } },
    build: {
      write: false,
      minify: false,
      target: 'es2022',
      lib: { entry: PAGE, formats: ['iife'], name: 'page' },
    },
  });
  const [output] = Array.isArray(made) ? made : [made];
  if (output === undefined || !('output' in output)) throw new Error('the page could not be bundled');
  return output.output[0].code;
}
