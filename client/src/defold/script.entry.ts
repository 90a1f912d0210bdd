/** The script of a Defold game, `dist/luasocket-web.defold.js`, which the game's own Lua runs: sets the global its Lua calls. */
import { Facade } from './facade.ts';

Object.assign(globalThis, { LuaSocketDefold: new Facade() });
