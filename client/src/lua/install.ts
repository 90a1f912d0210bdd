/** Gives a Lua 5.1 of wasmoon-lua5.1 the modules `socket`, `socket.core`, `mime` and `mime.core`, over a blocking namespace. */
import type { SocketNamespace } from '../api.ts';
import { type LuaModule, Machine } from './machine.ts';
import { pushMimeCore } from './mime-core.ts';
import installSource from './modules/install.lua?raw';
import mimeSource from './modules/mime.lua?raw';
import socketSource from './modules/socket.lua?raw';
import { Objects } from './objects.ts';
import { pushSocketCore } from './socket-core.ts';

/** What is needed of a `Lua` of wasmoon-lua5.1: its C API, and its main state. */
export interface LuaVm {
  readonly luaApi: { readonly module: unknown };
  readonly global: { readonly address: number };
}

/**
 * Makes `require "socket"`, `require "socket.core"`, `require "mime"` and `require "mime.core"` work in a Lua virtual
 * machine, and sets the global `socket`. The machine must run in the Worker that the namespace was made in.
 * @param socket A namespace of `luasocket-web/blocking`, made with `strings: 'bytes'` (fastest) or `'binary'`.
 */
export function installLuaSocket(vm: LuaVm, socket: SocketNamespace<'sync', string | Uint8Array>): void {
  const machine = new Machine(vm.luaApi.module as LuaModule);
  const state = vm.global.address;
  const objects = new Objects(machine, state);
  machine.pushChunk(state, installSource, '=install');
  pushSocketCore(machine, state, objects, socket);
  pushMimeCore(machine, state);
  machine.module._lua_createtable(state, 0, 2);
  for (const [name, source] of Object.entries({ socket: socketSource, mime: mimeSource })) {
    machine.pushString(state, source);
    machine.setField(state, -2, name);
  }
  machine.call(state, 3);
}
