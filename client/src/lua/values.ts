/** Arguments on their way from Lua to the blocking namespace, and errors on their way back. */
import { binaryText, type Machine, type State, TYPE } from './machine.ts';

/** What stands for values whose type alone matters: the core only names it in a message. */
const TABLE = {};
const FUNCTION = () => undefined;
const USERDATA = { class: '' };

/** The fields that options have. options.c asks for them by name, so that metamethods count. */
const FIELDS = ['on', 'timeout', 'multiaddr', 'interface'];

/** Longer strings, and those that are no ASCII, travel as bytes. */
const SHORT = 64;

/** The arguments from the n-th on, as many as there are. May raise what a table's metamethod raises. */
export function argumentsOf(machine: Machine, state: State, first: number): unknown[] {
  const args: unknown[] = [];
  const top = machine.module._lua_gettop(state);
  for (let index = first; index <= top; index++) args.push(argument(machine, state, index));
  return args;
}

function argument(machine: Machine, state: State, index: number): unknown {
  const { module } = machine;
  switch (module._lua_type(state, index)) {
    case TYPE.nil:
      return undefined;
    case TYPE.boolean:
      return module._lua_toboolean(state, index) !== 0;
    case TYPE.number:
      return module._lua_tonumber(state, index);
    case TYPE.string:
      return textOrBytes(machine.view(state, index));
    case TYPE.table:
      return fields(machine, state, index);
    case TYPE.function:
      return FUNCTION;
    default:
      return USERDATA;
  }
}

/** A string for the core: it takes text for UTF-8 or for bytes, by its mode, so that only ASCII may be text. */
function textOrBytes(view: Uint8Array): string | Uint8Array {
  if (view.length > SHORT || view.some((byte) => byte > 0x7f)) return view.slice();
  return binaryText(view);
}

function fields(machine: Machine, state: State, index: number): object {
  const found: Record<string, unknown> = {};
  machine.module._lua_checkstack(state, 2);
  for (const name of FIELDS) {
    machine.getField(state, index, name);
    const type = machine.module._lua_type(state, -1);
    // A field is compared with words and addresses: its bytes as characters will do.
    if (type === TYPE.string) found[name] = machine.binary(state, -1);
    else if (type !== TYPE.nil) found[name] = type === TYPE.table ? TABLE : argument(machine, state, -1);
    machine.pop(state);
  }
  return found;
}

const ARGUMENT = /^bad argument #(-?\d+) to '[^']*' \((.*)\)$/s;
const SELF = /^calling '[^']*' on bad self \((.*)\)$/s;
const EXPECTED = /^(.*) expected, got [^,]*$/s;

/**
 * Raises in Lua what the namespace threw. Its messages name the method and count the arguments as in LuaSocket; Lua says
 * them anew, since it knows by what name the caller called, and where.
 * @param before How many arguments of Lua's come before the first that the message counts: 1 for a method, its object.
 */
export function raiseAs(machine: Machine, state: State, thrown: unknown, before: number): never {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  machine.module._lua_checkstack(state, 8);
  const argument = ARGUMENT.exec(message);
  const self = SELF.exec(message);
  const said = argument?.[2] ?? self?.[1];
  if (said === undefined) return machine.raise(state, message);
  const index = argument === null ? 1 : Number(argument[1]) + before;
  const expected = EXPECTED.exec(said)?.[1];
  return expected === undefined ? machine.argumentError(state, index, said) : machine.typeError(state, index, expected);
}
