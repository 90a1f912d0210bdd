/**
 * The script of a Defold game, `dist/luasocket-web.defold.js`, which the game's own Lua runs: sets the global that its Lua
 * calls. A game may have several Luas, for scripts, GUI and rendering; each begins a half of its own.
 */
import { Facade } from './facade.ts';

const halves: Facade[] = [];

Object.assign(globalThis, { LuaSocketDefold: { halves, begin: () => halves.push(new Facade()) - 1 } });
