/** `socket.core` for Lua: the blocking namespace's functions under their names. What is Lua by nature is in modules/. */
import type { SocketNamespace } from '../api.ts';
import { type Machine, type State, TYPE } from './machine.ts';
import type { Objects } from './objects.ts';
import { argumentsOf, raiseAs } from './values.ts';

type Namespace = SocketNamespace<'sync', string | Uint8Array>;
type Run = (...args: never[]) => unknown;

/** Pushes the table. */
export function pushSocketCore(machine: Machine, state: State, objects: Objects, socket: Namespace): void {
  const { module } = machine;
  const call = (run: Run) => (caller: State) => {
    const args = argumentsOf(machine, caller, 1);
    let results: unknown = null;
    try {
      results = run(...(args as never[]));
    } catch (error) {
      return raiseAs(machine, caller, error, 0);
    }
    return objects.pushAll(caller, Array.isArray(results) ? results : [results]);
  };
  const fill = (functions: Readonly<Record<string, (caller: State) => number>>) => {
    for (const [name, run] of Object.entries(functions)) {
      machine.pushFunction(state, run);
      machine.setField(state, -2, name);
    }
  };

  module._lua_createtable(state, 0, 32);
  fill({
    tcp: call(socket.tcp),
    tcp4: call(socket.tcp4),
    tcp6: call(socket.tcp6),
    udp: call(socket.udp),
    udp4: call(socket.udp4),
    udp6: call(socket.udp6),
    connect: call(socket.connect),
    sleep: call(socket.sleep),
    gettime: call(socket.gettime),
    skip: (caller) => skip(machine, caller),
    select: (caller) => select(machine, caller, socket),
  });
  machine.pushString(state, socket._VERSION);
  machine.setField(state, -2, '_VERSION');
  module._lua_pushnumber(state, socket._SETSIZE);
  machine.setField(state, -2, '_SETSIZE');

  module._lua_createtable(state, 0, 5);
  const { dns } = socket;
  fill({
    toip: call(dns.toip),
    tohostname: call(dns.tohostname),
    gethostname: call(dns.gethostname),
    getaddrinfo: call(dns.getaddrinfo),
    getnameinfo: call(dns.getnameinfo),
  });
  machine.setField(state, -2, 'dns');
}

/** luasocket.c, global_skip: what is left on the stack above the first `count` values, count itself not counted. */
function skip(machine: Machine, state: State): number {
  const count = Math.trunc(machine.module._luaL_checknumber(state, 1));
  const top = machine.module._lua_gettop(state);
  return Math.min(Math.max(0, top - count - 1), top);
}

/** What select of the namespace sees of a listed object: what the object's methods said. */
interface Listed {
  readonly getfd: () => number;
  readonly dirty: () => boolean;
  /** Where the object is: its place in the table of all that are listed. */
  readonly place: number;
}

/** select.c. The objects' own methods are asked here, where they may raise or wait; the namespace gets their answers. */
function select(machine: Machine, state: State, socket: Namespace): number {
  const { module } = machine;
  const timeout = module._luaL_optnumber(state, 3, -1);
  module._lua_settop(state, 3);
  module._lua_createtable(state, 0, 0);
  let places = 0;
  const collect = (index: number, reading: boolean): Listed[] => {
    const listed: Listed[] = [];
    if (module._lua_type(state, index) === TYPE.nil) return listed;
    module._luaL_checktype(state, index, TYPE.table);
    for (let i = 1; ; i++) {
      module._lua_pushnumber(state, i);
      module._lua_gettable(state, index);
      if (module._lua_type(state, -1) === TYPE.nil) break;
      const descriptor = descriptorOf(machine, state);
      if (descriptor >= 0) {
        if (descriptor >= socket._SETSIZE) machine.argumentError(state, index, 'descriptor too large for set size');
        const dirty = reading && isDirty(machine, state);
        places += 1;
        listed.push({ getfd: () => descriptor, dirty: () => dirty, place: places });
        module._lua_rawseti(state, 4, places);
      } else {
        machine.pop(state);
      }
    }
    machine.pop(state);
    return listed;
  };
  const reading = collect(1, true);
  const writing = collect(2, false);

  let results: readonly unknown[];
  try {
    results = socket.select(reading, writing, timeout);
  } catch (error) {
    return raiseAs(machine, state, error, 0);
  }
  const [readable, writable, reason] = results as [readonly Listed[], readonly Listed[], string | undefined];
  pushAssociation(machine, state, readable);
  pushAssociation(machine, state, writable);
  if (reason === undefined) return 2;
  machine.pushString(state, reason);
  return 3;
}

/** getfd: the descriptor of the object on top; -1 for what has none. */
function descriptorOf(machine: Machine, state: State): number {
  const { module } = machine;
  let descriptor = -1;
  if (ask(machine, state, 'getfd')) {
    const number = module._lua_isnumber(state, -1) !== 0 ? module._lua_tonumber(state, -1) : -1;
    if (number >= 0) descriptor = Math.trunc(number);
  }
  machine.pop(state);
  return descriptor;
}

/** dirty: whether the object on top has data that waiting for its descriptor would not show. */
function isDirty(machine: Machine, state: State): boolean {
  const dirty = ask(machine, state, 'dirty') && machine.module._lua_toboolean(state, -1) !== 0;
  machine.pop(state);
  return dirty;
}

/** Pushes what the method of the object on top answers, or nil when it has none. */
function ask(machine: Machine, state: State, method: string): boolean {
  const { module } = machine;
  machine.getField(state, -1, method);
  if (module._lua_type(state, -1) === TYPE.nil) return false;
  module._lua_pushvalue(state, -2);
  module._lua_call(state, 1, 1);
  return true;
}

/** make_assoc: pushes the list of the objects, with each object's place in it under the object. */
function pushAssociation(machine: Machine, state: State, listed: readonly Listed[]): void {
  const { module } = machine;
  module._lua_createtable(state, listed.length, listed.length);
  listed.forEach(({ place }, index) => {
    module._lua_rawgeti(state, 4, place);
    module._lua_pushvalue(state, -1);
    module._lua_rawseti(state, -3, index + 1);
    module._lua_pushnumber(state, index + 1);
    module._lua_rawset(state, -3);
  });
}
