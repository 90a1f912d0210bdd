/** What a page runs, bundled for it by lib/browser.mjs: the client of one contender, and the cases that can be measured in a page. */
import { client } from '@mercuryworkshop/wisp-js/client';
import { connect } from 'luasocket-web';
import { ANYWHERE } from './cases/page.mjs';
import { resident } from './cases/resident.mjs';
import { withClients } from './cases/sample.mjs';
import { oursDial } from './clients/ours.mjs';
import { socketsDial } from './clients/sockets.mjs';
import { wispDial } from './clients/wisp.mjs';

/** @param {string} contender @returns {import('./types.ts').Dial} */
function dialOf(contender) {
  if (contender === 'ours' || contender === 'other') return oursDial(connect, WebSocket);
  if (contender === 'wisp-js') return wispDial(client.ClientConnection, 2);
  return socketsDial(contender, WebSocket);
}

/** @typedef {import('./types.ts').Order} Order */
/** @typedef {import('./types.ts').Sample} Sample */

/** Asks the site; see lib/site.mjs. @param {string} what @param {unknown} [said] */
const ask = async (what, said) => (await fetch(what, { method: 'POST', body: JSON.stringify(said ?? null) })).json();

const moveIn = resident();

/** @param {Order} order @returns {Promise<Sample>} */
async function measure({ contender, name, place, seconds }) {
  const find = ANYWHERE[name];
  if (find === undefined) return { failed: `no case ${name}` };
  try {
    const dial = dialOf(contender);
    await moveIn(dial, place, name);
    const bench = { place, seconds, contender, cost: () => ask('cost') };
    return { figures: await withClients(bench, dial, find) };
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  }
}

/** @type {Sample | null} */
let last = null;
for (;;) last = await measure(/** @type {Order} */ (await ask('turn', last)));
