/** A Lua 5.1 of our own, with a program's files and a console, over a blocking namespace: what `createLua` runs in its Worker. */
import { LuaApi } from 'wasmoon-lua5.1';
import type { SocketNamespace } from '../api.ts';
import { Converter } from './convert.ts';
import { installLuaSocket } from './install.ts';
import { ALL_RESULTS, type LuaModule, Machine, type State } from './machine.ts';
import programSource from './modules/program.lua?raw';
import type { Raised } from './protocol.ts';

/** What os.exit throws through Lua, which cannot go on after it. */
class Exit {
  readonly status: number;
  constructor(status: number) {
    this.status = status;
  }
}

/** What Emscripten's file system is used for. */
interface Files {
  readonly FS: {
    mkdir(path: string): void;
    writeFile(path: string, content: Uint8Array): void;
  };
}

export type Outcome = { readonly results: unknown[] } | { readonly raised: Raised };

export interface RuntimeOptions {
  /** Where wasmoon's WebAssembly file is: a URL, in Node a path. */
  readonly wasm: string;
  readonly socket: SocketNamespace<'sync', string | Uint8Array>;
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  print(text: string): void;
}

/** Places on the stack that stay. */
const HANDLER = 1;
const FINISH = 2;

export class Runtime {
  readonly #machine: Machine;
  readonly #state: State;
  readonly #converter: Converter;
  readonly #socket: RuntimeOptions['socket'];
  #ended = false;

  static async start(options: RuntimeOptions): Promise<Runtime> {
    const api = await LuaApi.initialize(options.wasm);
    const state = api.luaL_newstate();
    api.luaL_openlibs(state);
    installLuaSocket({ luaApi: api, global: { address: state } }, options.socket);
    return new Runtime(api.module as unknown as LuaModule & Files, state, options);
  }

  private constructor(module: LuaModule & Files, state: State, { files, print, socket }: RuntimeOptions) {
    const machine = new Machine(module);
    this.#machine = machine;
    this.#state = state;
    this.#converter = new Converter(machine);
    this.#socket = socket;
    machine.pushChunk(state, programSource, '=program');
    machine.pushFunction(state, (caller) => {
      print(this.#converter.text(caller, 1));
      return 0;
    });
    machine.pushFunction(state, (caller) => {
      throw new Exit(module._lua_tonumber(caller, 1));
    });
    this.#converter.push(state, files);
    machine.call(state, 3, 2);
    for (const [name, source] of Object.entries(files)) this.#mount(module, name, this.#converter.bytes(source));
  }

  /** For io.open and io.lines: files whose names look like it. */
  #mount({ FS }: Files, name: string, content: Uint8Array): void {
    if (!/[./]/.test(name)) return;
    const folders = name.split('/').slice(0, -1);
    folders.forEach((_, depth) => {
      try {
        FS.mkdir(folders.slice(0, depth + 1).join('/'));
      } catch {
        // It is there already; if not, the next line says so.
      }
    });
    FS.writeFile(name, content);
  }

  /** Runs a chunk with arguments. @throws TypeError for values that Lua, or the page, has nothing like. */
  run(source: string | Uint8Array, args: readonly unknown[]): Outcome {
    if (this.#ended) throw new Error('the program has ended with os.exit');
    const { module } = this.#machine;
    const state = this.#state;
    module._lua_settop(state, FINISH);
    try {
      const text = this.#converter.bytes(source);
      if (this.#machine.load(state, text, '=main')) {
        for (const value of args) this.#converter.push(state, value);
        if (module._lua_pcall(state, args.length, ALL_RESULTS, HANDLER) === 0) return { results: this.#results() };
      }
      return { raised: this.#raised() };
    } catch (error) {
      if (!(error instanceof Exit)) throw error;
      this.#end();
      const message = `the program ended with status ${error.status}`;
      return error.status === 0 ? { results: [] } : { raised: { message, traceback: '', value: error.status } };
    } finally {
      if (!this.#ended) this.#finish();
    }
  }

  /** Closes all sockets, and the session. */
  close(): void {
    if (this.#ended) return;
    this.#machine.module._lua_close(this.#state);
    this.#end();
  }

  #end(): void {
    this.#ended = true;
    this.#socket.relay.close();
  }

  #results(): unknown[] {
    const top = this.#machine.module._lua_gettop(this.#state);
    const results: unknown[] = [];
    for (let index = FINISH + 1; index <= top; index++) results.push(this.#converter.take(this.#state, index));
    return results;
  }

  /** What the handler made of an error; or, where it could not run, the error itself: syntax, memory. */
  #raised(): Raised {
    const state = this.#state;
    const place = this.#machine.module._lua_gettop(state);
    if (!this.#machine.isTable(state, place)) {
      const message = this.#converter.text(state, place);
      return { message, traceback: '', value: message };
    }
    const field = (name: string, take: (index: number) => unknown) => {
      this.#machine.getField(state, place, name);
      const value = take(-1);
      this.#machine.pop(state);
      return value;
    };
    const text = (index: number) => this.#converter.text(state, index);
    return {
      message: String(field('message', text)),
      traceback: String(field('traceback', text)),
      value: field('raised', (index) => this.#valueOf(index)),
    };
  }

  /** An error object may be anything, also what no page can have. */
  #valueOf(index: number): unknown {
    try {
      return this.#converter.take(this.#state, index);
    } catch {
      return null;
    }
  }

  /** Writes out an unfinished line, and forgets the results. */
  #finish(): void {
    const { module } = this.#machine;
    module._lua_settop(this.#state, FINISH);
    module._lua_pushvalue(this.#state, FINISH);
    this.#machine.call(this.#state, 0);
  }
}
