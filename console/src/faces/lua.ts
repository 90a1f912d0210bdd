/** An example: a Lua program. */
import { createLua } from 'luasocket-web/lua';
import program from './guests.lua?raw';
import { play } from './stage.ts';

play(async ({ relay, practice, print }) => {
  const lua = await createLua({ relay, print, workerUrl: '../client/lua-worker.js' });
  await lua.run(program, practice.tcpEcho);
}, program);
