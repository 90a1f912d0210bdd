/** Puts the library for Defold together: its Lua, and as Lua modules what else it needs. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { ROOT } from './paths.mjs';

/** What `html5.run` mangles. */
const NOT_ASCII = /[^\n\x20-\x7e]/g;

/**
 * Fills defold/ of the client's build.
 * @param {string} stage
 */
export function putDefold(stage) {
  const library = `${stage}/defold`;
  cpSync(`${ROOT}/client/defold`, library, { recursive: true });
  const script = readFileSync(`${stage}/luasocket-web.defold.js`, 'utf8');
  const helpers = readFileSync(`${ROOT}/client/src/lua/modules/socket.lua`, 'utf8');
  writeFileSync(`${library}/luasocket_web/facade.lua`, quoted(script));
  writeFileSync(`${library}/luasocket_web/helpers.lua`, `return function(...)\n${helpers}\nend\n`);
}

/**
 * A Lua module that returns a script, which is written so that it consists of ASCII only.
 * @param {string} script
 */
function quoted(script) {
  const ascii = script.replace(NOT_ASCII, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  let level = '=';
  while (ascii.includes(`]${level}]`)) level += '=';
  return `--- The library's half of the page, for html5.run.\nreturn [${level}[\n${ascii}]${level}]\n`;
}
