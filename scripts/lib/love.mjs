/**
 * The LÖVE game of docs/love.md in the console's gallery: packed by love.js, with the script tag that its page needs. The
 * gallery's own game, Tag, runs on the same copy of LÖVE.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { ROOT } from './paths.mjs';

const SCRIPT = 'luasocket-web.emscripten.js';
const GAME = '<script type="text/javascript" src="game.js">';

/**
 * @param {string} stage The console's directory; the client is built by then.
 */
export function putLove(stage) {
  const site = `${stage}/love`;
  // By a short name, for love.js makes a regular expression of it.
  const love = `${ROOT}/console/node_modules/love.js`;
  const args = [`${love}/index.js`, '-c', '-t', 'Squares', 'love', site];
  execFileSync(process.execPath, args, { cwd: `${ROOT}/docs` });
  cpSync(`${love}/LICENSE`, `${site}/LICENSE.txt`, { dereference: true });
  cpSync(`${ROOT}/client/dist/${SCRIPT}`, `${site}/${SCRIPT}`);
  const page = readFileSync(`${site}/index.html`, 'utf8');
  if (!page.includes(GAME)) throw new Error('The page that love.js makes has changed.');
  writeFileSync(
    `${site}/index.html`,
    page.replace(GAME, `<script src="${SCRIPT}" data-relay="/relay"></script>\n    ${GAME}`),
  );
}
