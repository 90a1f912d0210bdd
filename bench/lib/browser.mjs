/** A contender's client in a page of a real Chromium; the same to its callers as one in Node. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'vite';
import { chromium as findChromium } from '../../scripts/lib/programs.mjs';
import { startSite } from './site.mjs';

/** @typedef {import('../types.ts').Place} Place */
/** @typedef {import('../types.ts').Sample} Sample */

const PAGE = fileURLToPath(new URL('../page.mjs', import.meta.url));
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** @returns {Promise<Awaited<ReturnType<typeof launch>> | null>} Null where there is no Chromium, which has been said. */
export async function startBrowser() {
  const path = await findChromium();
  return path === undefined ? null : launch(path);
}

/** @param {string} path */
async function launch(path) {
  const { stdout } = await promisify(execFile)(path, ['--version']);
  const site = await startSite();
  /** @type {Map<string, Promise<string>>} By checkout. */
  const scripts = new Map();

  return {
    version: /[\d.]+/.exec(stdout)?.[0] ?? stdout.trim(),
    /** @param {string} contender @param {Place} place */
    async page(contender, place) {
      const script = scripts.get(place.root) ?? bundle(place.root);
      scripts.set(place.root, script);
      const { desk, url } = site.desk(await script, place.pid);
      const begun = desk.hear();
      // A browser of its own, and not only a page: the process that holds the connections is one for all pages.
      const stop = await open(path, url);
      await begun;
      return {
        /** @param {string} name @param {number} seconds @returns {Promise<Sample>} */
        async measure(name, seconds) {
          const sample = desk.hear();
          desk.tell({ contender, name, place, seconds });
          return (await sample) ?? { failed: 'the page began anew' };
        },
        stop,
      };
    },
    close: () => site.close(),
  };
}

/** @param {string} path @param {string} url @returns {Promise<() => Promise<void>>} What ends it. */
async function open(path, url) {
  const profile = await mkdtemp(join(tmpdir(), 'luasocket-web-bench-'));
  const child = spawn(path, [...FLAGS, `--user-data-dir=${profile}`, url], { stdio: 'ignore' });
  const kill = () => void child.kill('SIGTERM');
  process.on('exit', kill);
  return async () => {
    process.off('exit', kill);
    if (child.exitCode === null && child.signalCode === null) {
      kill();
      await once(child, 'exit');
    }
    // Its processes write there while they end.
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
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
      lib: { entry: PAGE, formats: ['es'] },
    },
  });
  const [output] = Array.isArray(made) ? made : [made];
  if (output === undefined || !('output' in output)) throw new Error('the page could not be bundled');
  return output.output[0].code;
}
