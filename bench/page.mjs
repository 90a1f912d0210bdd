/** What a page runs, bundled for it by lib/browser.mjs: the client of one contender, and the cases that can be measured in a page. */
import { client } from '@mercuryworkshop/wisp-js/client';
import { connect } from 'luasocket-web';
import { ANYWHERE } from './cases/page.mjs';
import { withClients } from './cases/sample.mjs';
import { oursDial } from './clients/ours.mjs';
import { socketsDial } from './clients/sockets.mjs';
import { wispDial } from './clients/wisp.mjs';

/** What lib/browser.mjs has put there. @type {{ relayCost(): Promise<import('./types.ts').Cost> }} */
const PAGE = Object.assign(globalThis);

/** @param {string} contender @returns {import('./types.ts').Dial} */
function dialOf(contender) {
  if (contender === 'ours' || contender === 'other') return oursDial(connect, WebSocket);
  if (contender === 'wisp-js') return wispDial(client.ClientConnection, 2);
  return socketsDial(contender, WebSocket);
}

/**
 * @param {{ contender: string, name: string, place: import('./types.ts').Place, seconds: number }} order
 * @returns {Promise<import('./types.ts').Figures>}
 */
async function measure({ contender, name, place, seconds }) {
  const find = ANYWHERE[name];
  if (find === undefined) throw new Error(`no case ${name}`);
  return await withClients({ place, seconds, contender, cost: () => PAGE.relayCost() }, dialOf(contender), find);
}

Object.assign(globalThis, { measure });
