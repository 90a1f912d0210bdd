/** `mime.core` for Lua: the arguments of the filters in mime.ts as mime.c takes them. */
import { type Machine, type State, TYPE } from './machine.ts';
import { b64, type Chunk, dot, eol, qp, qpwrp, unb64, unqp, wrp } from './mime.ts';

const VERSION = 'MIME 1.0.3';

type Results = readonly [Chunk, Chunk | number];

/** Pushes the table. */
export function pushMimeCore(machine: Machine, state: State): void {
  const { module } = machine;
  const optional = (caller: State, index: number): Chunk =>
    module._lua_type(caller, index) <= TYPE.nil ? null : machine.checkView(caller, index).slice();
  /** A marker is a C string: it ends at the first NUL. */
  const marker = (caller: State): Uint8Array | undefined => {
    const bytes = optional(caller, 3);
    const end = bytes?.indexOf(0) ?? -1;
    return (end < 0 ? bytes : bytes?.subarray(0, end)) ?? undefined;
  };
  const number = (caller: State, index: number) => module._luaL_checknumber(caller, index);

  const pairwise = (filter: (first: Chunk, second: Chunk) => Results) => (caller: State) => {
    const first = optional(caller, 1);
    return filter(first, first === null ? null : optional(caller, 2));
  };
  const filters: Readonly<Record<string, (caller: State) => Results>> = {
    b64: pairwise(b64),
    unb64: pairwise(unb64),
    unqp: pairwise(unqp),
    qp(caller) {
      const mark = marker(caller);
      return pairwise((first, second) => qp(first, second, mark))(caller);
    },
    wrp: (caller) => wrp(number(caller, 1), optional(caller, 2), module._luaL_optnumber(caller, 3, 76)),
    qpwrp: (caller) => qpwrp(number(caller, 1), optional(caller, 2), module._luaL_optnumber(caller, 3, 76)),
    eol: (caller) => eol(number(caller, 1), optional(caller, 2), marker(caller)),
    dot: (caller) => dot(number(caller, 1), optional(caller, 2)),
  };

  module._lua_createtable(state, 0, Object.keys(filters).length + 1);
  for (const [name, filter] of Object.entries(filters)) {
    machine.pushFunction(state, (caller) => {
      for (const result of filter(caller)) {
        if (result === null) module._lua_pushnil(caller);
        else if (typeof result === 'number') module._lua_pushnumber(caller, result);
        else machine.pushString(caller, result);
      }
      return 2;
    });
    machine.setField(state, -2, name);
  }
  machine.pushString(state, VERSION);
  machine.setField(state, -2, '_VERSION');
}
