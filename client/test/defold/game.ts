/** A Defold game in Node: the library's Lua in an engine, and its half of the page in this process. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import type { WebSocketConstructor } from '../../src/api.ts';
import { Facade } from '../../src/defold/facade.ts';
import { Engine } from './engine.ts';

const LIBRARY = fileURLToPath(new URL('../../defold/luasocket_web/', import.meta.url));
const HELPERS = fileURLToPath(new URL('../../src/lua/modules/socket.lua', import.meta.url));
const WASM = createRequire(import.meta.url).resolve('wasmoon-lua5.1/dist/liblua5.1.wasm');

/** The library's modules, with what the build adds to them. */
function modules(): Record<string, string> {
  const own = readdirSync(LIBRARY).filter((file) => file.endsWith('.lua'));
  return {
    ...Object.fromEntries(
      own.map((file) => [`luasocket_web.${file.slice(0, -4)}`, readFileSync(LIBRARY + file, 'utf8')]),
    ),
    'luasocket_web.helpers': `return function(...)\n${readFileSync(HELPERS, 'utf8')}\nend`,
    'luasocket_web.facade': 'return ""',
  };
}

export class Game {
  readonly engine: Engine;
  readonly facade: Facade;

  /** A game that has loaded the library; connected, if `relay` is given. */
  static async start(relay?: string, options: { readonly exact?: boolean } = {}): Promise<Game> {
    const facade = new Facade(WebSocket as unknown as WebSocketConstructor);
    // Its own global scope, so that games need not share one.
    const page = { halves: [facade], begin: () => 0 };
    const evaluate = (code: string) => new Function('LuaSocketDefold', 'code', 'return eval(code)')(page, code);
    const game = new Game(await Engine.start({ wasm: WASM, modules: modules(), evaluate }), facade);
    game.run('luasocket = require "luasocket_web.luasocket_web"');
    if (relay !== undefined) {
      game.run('luasocket.connect(...)', relay, options);
      await game.until('return luasocket.state() == "connected"');
    }
    return game;
  }

  private constructor(engine: Engine, facade: Facade) {
    this.engine = engine;
    this.facade = facade;
  }

  run(source: string, ...args: readonly unknown[]): unknown[] {
    return this.engine.run(source, ...args);
  }

  /** Frames go by until the chunk returns something else than nil and false. Answers what it returns. */
  async until(source: string, ...args: readonly unknown[]): Promise<unknown[]> {
    for (;;) {
      this.run('luasocket.update()');
      const results = this.run(source, ...args);
      if (results[0] !== null && results[0] !== undefined && results[0] !== false) return results;
      await turn();
    }
  }

  /** Runs a chunk as a coroutine in which calls wait; frames go by meanwhile. Answers what it returns. */
  async wait(source: string, ...args: readonly unknown[]): Promise<unknown[]> {
    this.run(
      `local source = ...
       outcome = nil
       local chunk = assert(loadstring(source, "=main"))
       luasocket.start(function(...) outcome = { luasocket.pcall(chunk, ...) } end, select(2, ...))`,
      source,
      ...args,
    );
    const [, ok, ...results] = await this.until('return outcome and true, unpack(outcome or {}, 1, 20)');
    if (ok !== true) throw new Error(String(results[0]));
    return results.slice(0, lastGiven(results));
  }

  close(): void {
    this.facade.close();
  }
}

function lastGiven(results: readonly unknown[]): number {
  let count = results.length;
  while (count > 0 && results[count - 1] === null) count -= 1;
  return count;
}
