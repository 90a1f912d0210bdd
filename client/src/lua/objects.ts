/**
 * Sockets as Lua sees them: userdata with a metatable per class, as auxiliar.c makes them. What a method does is the
 * blocking namespace's business.
 */
import type { TcpClass, UdpClass } from '../api.ts';
import { type Machine, REGISTRY, type State } from './machine.ts';
import { argumentsOf, raiseAs } from './values.ts';

type Class = TcpClass | UdpClass;
type Kind = 'tcp' | 'udp';

/** An object of the namespace. */
export interface SocketObject {
  readonly class: Class;
  close(): unknown;
  readonly [method: string]: unknown;
}

interface Handle {
  readonly object: SocketObject;
  readonly kind: Kind;
  /** The class that its metatable shows. */
  class: Class;
}

/** Which class each method is for. tcp.c, udp.c. */
const METHODS: Readonly<Record<Kind, Readonly<Record<string, string>>>> = {
  tcp: {
    accept: 'tcp{server}',
    bind: 'tcp{master}',
    close: 'tcp{any}',
    connect: 'tcp{any}',
    dirty: 'tcp{any}',
    getfamily: 'tcp{any}',
    getfd: 'tcp{any}',
    getoption: 'tcp{any}',
    getpeername: 'tcp{any}',
    getsockname: 'tcp{any}',
    getstats: 'tcp{client}',
    listen: 'tcp{master}',
    receive: 'tcp{client}',
    send: 'tcp{client}',
    setfd: 'tcp{any}',
    setoption: 'tcp{any}',
    setpeername: 'tcp{any}',
    setsockname: 'tcp{master}',
    setstats: 'tcp{client}',
    settimeout: 'tcp{any}',
    shutdown: 'tcp{client}',
  },
  udp: {
    close: 'udp{any}',
    dirty: 'udp{any}',
    getfamily: 'udp{any}',
    getfd: 'udp{any}',
    getoption: 'udp{any}',
    getpeername: 'udp{connected}',
    getsockname: 'udp{any}',
    receive: 'udp{any}',
    receivefrom: 'udp{unconnected}',
    send: 'udp{connected}',
    sendto: 'udp{unconnected}',
    setfd: 'udp{any}',
    setoption: 'udp{any}',
    setpeername: 'udp{any}',
    setsockname: 'udp{unconnected}',
    settimeout: 'udp{any}',
  },
};

const CLASSES: Readonly<Record<Class, Kind>> = {
  'tcp{master}': 'tcp',
  'tcp{client}': 'tcp',
  'tcp{server}': 'tcp',
  'udp{unconnected}': 'udp',
  'udp{connected}': 'udp',
};

/** Bytes of an object: those of LuaSocket's structures, so that the garbage collector is as eager to close forgotten ones. */
const SIZES: Readonly<Record<Kind, number>> = { tcp: 8400, udp: 128 };

export class Objects {
  readonly #machine: Machine;
  readonly #handles = new Map<number, Handle>();

  /** Registers the classes. */
  constructor(machine: Machine, state: State) {
    this.#machine = machine;
    for (const kind of ['tcp', 'udp'] as const) this.#register(state, kind);
  }

  /** Pushes a new userdata for an object. */
  push(state: State, object: SocketObject): void {
    const kind = CLASSES[object.class];
    const pointer = this.#machine.module._lua_newuserdata(state, SIZES[kind]);
    this.#handles.set(pointer, { object, kind, class: object.class });
    this.#classify(state, -1, object.class);
  }

  /** auxiliar_newclass for each class of a kind; the functions are the same in all of them. */
  #register(state: State, kind: Kind): void {
    const machine = this.#machine;
    const { module } = machine;
    const methods = Object.entries(METHODS[kind]);
    module._lua_createtable(state, 0, methods.length);
    for (const [method, expected] of methods) {
      machine.pushFunction(state, (caller) => this.#call(caller, kind, method, expected));
      machine.setField(state, -2, method);
    }
    module._lua_createtable(state, 0, 2);
    machine.pushFunction(state, (caller) => this.#collect(caller));
    machine.setField(state, -2, '__gc');
    machine.pushFunction(state, (caller) => this.#describe(caller));
    machine.setField(state, -2, '__tostring');
    for (const [name, its] of Object.entries(CLASSES)) {
      if (its !== kind) continue;
      module._luaL_newmetatable(state, machine.name(name));
      copyFields(machine, state, -2);
      module._lua_createtable(state, 0, methods.length + 1);
      copyFields(machine, state, -4);
      machine.pushString(state, name);
      machine.setField(state, -2, 'class');
      machine.setField(state, -2, '__index');
      machine.pop(state);
    }
    machine.pop(state, 2);
  }

  /** auxiliar_setclass */
  #classify(state: State, index: number, name: Class): void {
    const place = this.#machine.absolute(state, index);
    this.#machine.getField(state, REGISTRY, name);
    this.#machine.module._lua_setmetatable(state, place);
  }

  #at(state: State, index: number): Handle | undefined {
    return this.#handles.get(this.#machine.module._lua_touserdata(state, index));
  }

  #call(state: State, kind: Kind, method: string, expected: string): number {
    const handle = this.#at(state, 1);
    if (handle?.kind !== kind) return this.#machine.typeError(state, 1, expected);
    const args = argumentsOf(this.#machine, state, 2);
    let results: unknown = null;
    let failure: { readonly error: unknown } | null = null;
    try {
      results = (handle.object[method] as (...args: unknown[]) => unknown).apply(handle.object, args);
    } catch (error) {
      failure = { error };
    }
    // The class changes in place, also by calls that fail.
    if (handle.object.class !== handle.class) {
      handle.class = handle.object.class;
      this.#classify(state, 1, handle.class);
    }
    if (failure !== null) return raiseAs(this.#machine, state, failure.error, 1);
    return this.pushAll(state, Array.isArray(results) ? results : [results]);
  }

  /** Pushes results; new objects become userdata. */
  pushAll(state: State, results: readonly unknown[]): number {
    this.#machine.module._lua_checkstack(state, results.length + 8);
    for (const result of results) this.pushValue(state, result);
    return results.length;
  }

  pushValue(state: State, value: unknown): void {
    const { module } = this.#machine;
    if (value === null || value === undefined) module._lua_pushnil(state);
    else if (typeof value === 'string' || value instanceof Uint8Array) this.#machine.pushString(state, value);
    else if (typeof value === 'number') module._lua_pushnumber(state, value);
    else if (typeof value === 'boolean') module._lua_pushboolean(state, value ? 1 : 0);
    else if (isSocket(value)) this.push(state, value);
    else this.#pushTable(state, value);
  }

  #pushTable(state: State, table: object): void {
    const { module } = this.#machine;
    const list = Array.isArray(table);
    module._lua_createtable(state, 0, 0);
    for (const [key, value] of Object.entries(table)) {
      if (list) module._lua_pushnumber(state, Number(key) + 1);
      else this.#machine.pushString(state, key);
      this.pushValue(state, value);
      module._lua_rawset(state, -3);
    }
  }

  /** __gc: closes what the program has forgotten. */
  #collect(state: State): number {
    const pointer = this.#machine.module._lua_touserdata(state, 1);
    const handle = this.#handles.get(pointer);
    this.#handles.delete(pointer);
    try {
      handle?.object.close();
    } catch {
      // A finalizer has nobody to tell.
    }
    return 0;
  }

  /** auxiliar_tostring */
  #describe(state: State): number {
    const handle = this.#at(state, 1);
    if (handle === undefined) {
      this.#machine.pushString(state, "invalid object passed to 'auxiliar.c:__tostring'");
      return this.#machine.module._lua_error(state);
    }
    const address = this.#machine.module._lua_touserdata(state, 1).toString(16).padStart(8, '0');
    this.#machine.pushString(state, `${handle.class}: 0x${address}`);
    return 1;
  }
}

function isSocket(value: unknown): value is SocketObject {
  return typeof value === 'object' && value !== null && 'getfd' in value && 'class' in value;
}

/** Copies all fields of the table at `from` into that on top. */
function copyFields(machine: Machine, state: State, from: number): void {
  const { module } = machine;
  const source = machine.absolute(state, from);
  module._lua_pushnil(state);
  while (module._lua_next(state, source) !== 0) {
    module._lua_pushvalue(state, -2);
    module._lua_insert(state, -2);
    module._lua_rawset(state, -4);
  }
}
