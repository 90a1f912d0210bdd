/**
 * What a Defold HTML5 build is to a Lua program: Lua 5.1 in WebAssembly, the `socket` that the engine has there, and
 * `html5.run` with its limits: the code is a C string of UTF-8, so that it ends at a NUL and other bytes are mangled; the
 * result is a string, cut at a NUL too; and what JavaScript throws goes through Lua as if it were not there.
 *
 * Runs in Node and, as a bundle, in pages.
 */
import { LuaApi } from 'wasmoon-lua5.1';
import { Converter } from '../../src/lua/convert.ts';
import { ALL_RESULTS, type LuaModule, Machine, type State } from '../../src/lua/machine.ts';

/** Evaluates code as emscripten_run_script_string does. */
type Evaluate = (code: string) => unknown;

export interface EngineOptions {
  /** Where wasmoon's WebAssembly file is: a URL, in Node a path. */
  readonly wasm: string;
  /** The game's Lua modules, by the name that `require` is given. */
  readonly modules: Readonly<Record<string, string>>;
  readonly evaluate: Evaluate;
}

/** The engine's Lua: what it has of LuaSocket, and of its own. */
const ENGINE = `
  local run, now, modules = ...
  html5 = { run = run }
  sys = { get_sys_info = function() return { system_name = "HTML5" } end, get_config_string = function() return "" end }
  local function unsupported() return nil, "LuaSocket networking is not supported on HTML5" end
  local function nodns() return nil, "LuaSocket DNS is not supported on HTML5" end
  socket = {
    _VERSION = "LuaSocket 3.0-rc1", gettime = now,
    skip = function(n, ...) return select(n + 1, ...) end,
    sleep = function(seconds) local till = now() + seconds repeat until now() >= till end,
    newtry = function() end, protect = function() end,
    connect = unsupported, tcp = unsupported, tcp6 = unsupported, udp = unsupported, udp6 = unsupported,
    select = unsupported,
    dns = { toip = nodns, tohostname = nodns, gethostname = nodns, getaddrinfo = nodns, getnameinfo = nodns },
  }
  package.loaded.socket = socket
  for name, source in pairs(modules) do
    package.preload[name] = assert(loadstring(source, "@/" .. name:gsub("%.", "/") .. ".lua"))
  end`;

const BASE = 1;

export class Engine {
  readonly #machine: Machine;
  readonly #state: State;
  readonly #converter: Converter;
  /** Calls of html5.run so far. */
  calls = 0;

  static async start(options: EngineOptions): Promise<Engine> {
    const api = await LuaApi.initialize(options.wasm);
    const state = api.luaL_newstate();
    api.luaL_openlibs(state);
    return new Engine(api.module as unknown as LuaModule, state, options);
  }

  private constructor(module: LuaModule, state: State, { modules, evaluate }: EngineOptions) {
    const machine = new Machine(module);
    this.#machine = machine;
    this.#state = state;
    this.#converter = new Converter(machine);
    machine.pushChunk(state, ENGINE, '=engine');
    machine.pushFunction(state, (caller) => {
      this.calls += 1;
      const result = evaluate(new TextDecoder().decode(untilNul(machine.checkView(caller, 1).slice())));
      if (result === null || result === undefined) module._lua_pushnil(caller);
      else machine.pushString(caller, untilNul(new TextEncoder().encode(String(result))));
      return 1;
    });
    machine.pushFunction(state, (caller) => {
      // Date.now() has milliseconds: by it, a sleep of 0.1 s that ends in time may have taken 0.09999990 s, for doubles of seconds
      // since 1970 end before the microsecond.
      module._lua_pushnumber(caller, (performance.timeOrigin + performance.now()) / 1000);
      return 1;
    });
    this.#converter.push(state, modules);
    machine.call(state, 3);
    // What follows is above this place.
    module._lua_pushnil(state);
  }

  /** Runs a chunk, and answers what it returns. @throws Error with the message of what it raises. */
  run(source: string, ...args: readonly unknown[]): unknown[] {
    const { module } = this.#machine;
    const state = this.#state;
    module._lua_settop(state, BASE);
    this.#machine.pushChunk(state, source, '=main');
    for (const value of args) this.#converter.push(state, value);
    if (module._lua_pcall(state, args.length, ALL_RESULTS, 0) !== 0) {
      throw new Error(this.#converter.text(state, -1));
    }
    const top = module._lua_gettop(state);
    const results: unknown[] = [];
    for (let index = BASE + 1; index <= top; index++) results.push(this.#converter.take(state, index));
    return results;
  }
}

function untilNul(bytes: Uint8Array): Uint8Array {
  const nul = bytes.indexOf(0);
  return nul < 0 ? bytes : bytes.subarray(0, nul);
}
