/**
 * The site that pages are measured on: it hands each its script and its orders, and takes its figures. Plain HTTP, and nothing
 * of DevTools: whoever drives a page through that (Playwright too) has every message of its WebSockets told to him, in base64,
 * which took more CPU of Chromium than the messages themselves.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { costOf } from './cost.mjs';

/** @typedef {import('../types.ts').Order} Order */
/** @typedef {import('../types.ts').Sample} Sample */
/** @typedef {import('node:http').ServerResponse} ServerResponse */

/** Clocks of pages are coarse, to 100 us, unless these are sent. */
const ISOLATION = {
  'content-type': 'text/html; charset=utf-8',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};
/** Beyond any start of a browser and any sample: what takes longer hangs. */
const LIMIT_MILLISECONDS = 45_000;

/** One page, seen from here. */
class Desk {
  #script;
  #pid;
  /** The page's request for what to do next. @type {ServerResponse | null} */
  #asking = null;
  /** @type {((sample: Sample | null) => void) | null} */
  #heard = null;

  /** @param {string} script @param {number} pid Of the relay. */
  constructor(script, pid) {
    this.#script = script;
    this.#pid = pid;
  }

  /** Resolves with what the page says next: null when it has just begun. @returns {Promise<Sample | null>} */
  hear() {
    return new Promise((resolve) => {
      const late = setTimeout(() => resolve({ failed: 'hangs' }), LIMIT_MILLISECONDS);
      this.#heard = (sample) => {
        clearTimeout(late);
        resolve(sample);
      };
    });
  }

  /** @param {Order} order */
  tell(order) {
    this.#asking?.end(JSON.stringify(order));
    this.#asking = null;
  }

  /** @param {string} what @param {import('node:http').IncomingMessage} request @param {ServerResponse} response */
  async answer(what, request, response) {
    if (what === '')
      return response.writeHead(200, ISOLATION).end('<!doctype html><script type="module" src="page.js"></script>');
    if (what === 'page.js') return response.writeHead(200, { 'content-type': 'text/javascript' }).end(this.#script);
    if (what === 'cost') return response.end(JSON.stringify(costOf(this.#pid)));
    if (what !== 'turn') return response.writeHead(404).end();
    const sample = /** @type {Sample | null} */ (await json(request));
    this.#asking = response;
    return this.#heard?.(sample);
  }
}

export async function startSite() {
  /** @type {Desk[]} */
  const desks = [];
  const server = createServer((request, response) => {
    const [, desk, what = ''] = (request.url ?? '').split('/');
    const found = desks[Number(desk)];
    if (found === undefined) response.writeHead(404).end();
    else found.answer(what, request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    /** @param {string} script Of the page. @param {number} pid Of the relay. */
    desk(script, pid) {
      const desk = new Desk(script, pid);
      desks.push(desk);
      return { desk, url: `http://127.0.0.1:${port}/${desks.length - 1}/` };
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
