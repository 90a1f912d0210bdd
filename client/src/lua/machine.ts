/**
 * Lua's C API as wasmoon-lua5.1 exports it, for strings that are bytes. Knows no sockets.
 *
 * An error that Lua raises in one of these calls (raise, argumentError, callMethod, ...) leaves JavaScript as an exception
 * of Emscripten's and is caught by Lua's pcall: never catch it on its way. An exception of JavaScript's own must not
 * leave a function that Lua calls.
 */

/** A lua_State: the main thread of a Lua, or one of its coroutines. */
export type State = number;

/** An address in the memory of the virtual machine. */
type Pointer = number;

/** What is used of wasmoon-lua5.1's `luaApi.module`: Emscripten's own, and the C API. */
export interface LuaModule {
  /** Replaced whenever the memory grows. */
  readonly HEAPU8: Uint8Array;
  readonly HEAPU32: Uint32Array;
  addFunction(run: (state: State) => number, signature: 'ii'): Pointer;
  _malloc(size: number): Pointer;
  _free(pointer: Pointer): void;
  _lua_checkstack(state: State, size: number): number;
  _lua_gettop(state: State): number;
  _lua_settop(state: State, top: number): void;
  _lua_pushvalue(state: State, index: number): void;
  _lua_remove(state: State, index: number): void;
  _lua_insert(state: State, index: number): void;
  _lua_type(state: State, index: number): number;
  _lua_toboolean(state: State, index: number): number;
  _lua_tonumber(state: State, index: number): number;
  _lua_isnumber(state: State, index: number): number;
  _lua_tolstring(state: State, index: number, length: Pointer): Pointer;
  _lua_touserdata(state: State, index: number): Pointer;
  _lua_topointer(state: State, index: number): Pointer;
  _lua_pushnil(state: State): void;
  _lua_pushboolean(state: State, value: number): void;
  _lua_pushnumber(state: State, value: number): void;
  _lua_pushlstring(state: State, bytes: Pointer, length: number): void;
  _lua_pushcclosure(state: State, run: Pointer, upvalues: number): void;
  _lua_newuserdata(state: State, size: number): Pointer;
  _lua_createtable(state: State, list: number, fields: number): void;
  _lua_getmetatable(state: State, index: number): number;
  _lua_setmetatable(state: State, index: number): number;
  _lua_gettable(state: State, index: number): void;
  _lua_settable(state: State, index: number): void;
  _lua_rawgeti(state: State, index: number, n: number): void;
  _lua_rawseti(state: State, index: number, n: number): void;
  _lua_rawset(state: State, index: number): void;
  _lua_next(state: State, index: number): number;
  _lua_concat(state: State, count: number): void;
  _lua_call(state: State, arguments_: number, results: number): void;
  _lua_pcall(state: State, arguments_: number, results: number, handler: number): number;
  _lua_error(state: State): number;
  _lua_close(state: State): void;
  _luaL_newmetatable(state: State, name: Pointer): number;
  _luaL_loadbuffer(state: State, bytes: Pointer, length: number, name: Pointer): number;
  _luaL_where(state: State, level: number): void;
  _luaL_argerror(state: State, index: number, message: Pointer): number;
  _luaL_typerror(state: State, index: number, expected: Pointer): number;
  _luaL_checktype(state: State, index: number, type: number): void;
  _luaL_checknumber(state: State, index: number): number;
  _luaL_optnumber(state: State, index: number, otherwise: number): number;
  _luaL_checklstring(state: State, index: number, length: Pointer): Pointer;
}

/** lua.h */
export const TYPE = {
  none: -1,
  nil: 0,
  boolean: 1,
  lightUserdata: 2,
  number: 3,
  string: 4,
  table: 5,
  function: 6,
  userdata: 7,
  thread: 8,
} as const;
export const ALL_RESULTS = -1;
export const REGISTRY = -10000;
const GLOBALS = -10002;

/** Bytes kept ready for strings on their way; longer ones get memory of their own. */
const SCRATCH = 64 * 1024;

export class Machine {
  readonly module: LuaModule;
  readonly #length: Pointer;
  readonly #scratch: Pointer;
  readonly #names = new Map<string, Pointer>();

  constructor(module: LuaModule) {
    this.module = module;
    this.#length = module._malloc(4);
    this.#scratch = module._malloc(SCRATCH);
  }

  /** A C string that lasts as long as the machine, for names of ours. ASCII. */
  name(text: string): Pointer {
    let pointer = this.#names.get(text);
    if (pointer === undefined) {
      pointer = this.module._malloc(text.length + 1);
      this.#write(pointer, text);
      this.module.HEAPU8[pointer + text.length] = 0;
      this.#names.set(text, pointer);
    }
    return pointer;
  }

  /** The bytes of a string or number, as a view that is good until Lua runs again. A number becomes a string in its place. */
  view(state: State, index: number): Uint8Array {
    return this.#viewAt(this.module._lua_tolstring(state, index, this.#length));
  }

  /** luaL_checklstring, as `view`. Raises. */
  checkView(state: State, index: number): Uint8Array {
    return this.#viewAt(this.module._luaL_checklstring(state, index, this.#length));
  }

  /** A string as text with one character per byte. */
  binary(state: State, index: number): string {
    return binaryText(this.view(state, index));
  }

  #viewAt(pointer: Pointer): Uint8Array {
    return this.module.HEAPU8.subarray(pointer, pointer + (this.module.HEAPU32[this.#length >> 2] ?? 0));
  }

  /** Pushes bytes, or text of one character per byte. */
  pushString(state: State, value: string | Uint8Array): void {
    const { module } = this;
    const { length } = value;
    if (length <= SCRATCH) {
      this.#write(this.#scratch, value);
      module._lua_pushlstring(state, this.#scratch, length);
      return;
    }
    const pointer = this.copy(value);
    module._lua_pushlstring(state, pointer, length);
    module._free(pointer);
  }

  /** Bytes in memory of their own, which the caller frees. */
  copy(value: string | Uint8Array): Pointer {
    const pointer = this.module._malloc(value.length + 1);
    if (pointer === 0) throw new RangeError('not enough memory');
    this.#write(pointer, value);
    return pointer;
  }

  #write(pointer: Pointer, value: string | Uint8Array): void {
    const memory = this.module.HEAPU8;
    if (typeof value !== 'string') memory.set(value, pointer);
    else for (let i = 0; i < value.length; i++) memory[pointer + i] = value.charCodeAt(i);
  }

  /** Pushes a function of ours. */
  pushFunction(state: State, run: (state: State) => number): void {
    this.module._lua_pushcclosure(state, this.module.addFunction(run, 'ii'), 0);
  }

  /** Pushes the field of that name of the table at `index`; metamethods count, and may raise. */
  getField(state: State, index: number, name: string): void {
    const place = this.absolute(state, index);
    this.pushString(state, name);
    this.module._lua_gettable(state, place);
  }

  /** Takes the value on top for the field of that name of the table at `index`. */
  setField(state: State, index: number, name: string): void {
    const place = this.absolute(state, index);
    this.pushString(state, name);
    this.module._lua_insert(state, -2);
    this.module._lua_settable(state, place);
  }

  /** Pushes a chunk as a function, or the reason why it is none. `name` is ASCII, as luaL_loadbuffer takes it. */
  load(state: State, source: string | Uint8Array, name: string): boolean {
    const bytes = this.copy(source);
    const status = this.module._luaL_loadbuffer(state, bytes, source.length, this.name(name));
    this.module._free(bytes);
    return status === 0;
  }

  /** Pushes a chunk of ours. */
  pushChunk(state: State, source: string, name: string): void {
    if (!this.load(state, source, name)) throw new Error(this.binary(state, -1));
  }

  /** Calls the function below its arguments from outside of Lua. @throws Error when it raises. */
  call(state: State, args: number, results = 0): void {
    if (this.module._lua_pcall(state, args, results, 0) === 0) return;
    const message = this.binary(state, -1);
    this.pop(state);
    throw new Error(message);
  }

  pushGlobal(state: State, name: string): void {
    this.getField(state, GLOBALS, name);
  }

  isTable(state: State, index: number): boolean {
    return this.module._lua_type(state, index) === TYPE.table;
  }

  absolute(state: State, index: number): number {
    return index > 0 || index <= REGISTRY ? index : this.module._lua_gettop(state) + index + 1;
  }

  pop(state: State, count = 1): void {
    this.module._lua_settop(state, -count - 1);
  }

  /** luaL_error: raises, with the place of the function that called. */
  raise(state: State, message: string): never {
    this.module._luaL_where(state, 1);
    this.pushString(state, message);
    this.module._lua_concat(state, 2);
    return this.#raised(this.module._lua_error(state));
  }

  /** luaL_argerror: raises "bad argument #index to 'name' (message)", or what fits an object's method. */
  argumentError(state: State, index: number, message: string): never {
    this.pushString(state, message);
    return this.#raised(this.module._luaL_argerror(state, index, this.module._lua_tolstring(state, -1, 0)));
  }

  /** luaL_typerror: the same with "expected expected, got type". */
  typeError(state: State, index: number, expected: string): never {
    return this.#raised(this.module._luaL_typerror(state, index, this.name(expected)));
  }

  #raised(_: number): never {
    throw new Error('Lua returned from an error');
  }
}

/** Arguments to one call of String.fromCharCode: well below every engine's limit. */
const CHUNK = 8192;

/** Text with one character per byte. */
export function binaryText(bytes: Uint8Array): string {
  let text = '';
  for (let from = 0; from < bytes.length; from += CHUNK) {
    text += String.fromCharCode.apply(null, bytes.subarray(from, from + CHUNK) as unknown as number[]);
  }
  return text;
}
