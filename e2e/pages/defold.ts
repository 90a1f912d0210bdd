/**
 * A Defold HTML5 build in a page, as far as a script can tell: the engine's Lua with the built library in it, a frame loop,
 * and scripts with their callbacks. The page's own eval is html5.run's.
 */
import { Engine } from '../../client/test/defold/engine.ts';

const MODULES = ['luasocket_web', 'bridge', 'coroutines', 'objects', 'namespace', 'helpers', 'facade'];

/** What scripts of the example use of the engine beside sockets. */
const ENGINE = `
  luasocket = require "luasocket_web.luasocket_web"
  package.loaded["builtins.scripts.socket"] = socket
  drawn = {}
  vmath = { vector3 = function(x, y) return { x = x, y = y } end, vector4 = function() end }
  msg = { post = function(_, id, message)
    if id == "draw_debug_text" then drawn[#drawn + 1] = ("%s %d %d"):format(message.text, message.position.x, message.position.y) end
  end }
  local self
  function load_script(source)
    self = {}
    assert(loadstring(source, "@/example/example.script"))()
    init(self)
  end
  function frame()
    if not self then return luasocket.update() end
    drawn = {}
    update(self, 1 / 60)
  end
  function point(x, y) on_input(self, nil, { x = x, y = y }) end`;

async function text(path: string): Promise<string> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.text();
}

/** Starts a game; its frames go by from then on. */
async function startGame(relay: string): Promise<void> {
  const sources = await Promise.all(MODULES.map((name) => text(`/client/defold/luasocket_web/${name}.lua`)));
  const engine = await Engine.start({
    wasm: '/client/lua5.1.wasm',
    modules: Object.fromEntries(MODULES.map((name, index) => [`luasocket_web.${name}`, sources[index] as string])),
    // biome-ignore lint/security/noGlobalEval: this is what html5.run does
    evaluate: (code) => globalThis.eval(code),
  });
  engine.run(ENGINE);
  engine.run(
    'sys.get_config_string = function(key) return key == "luasocket_web.relay" and RELAY or "" end RELAY = ...',
    relay,
  );
  const frame = () => {
    engine.run('frame()');
    // Frames of a hidden tab stop, as they should for a game, but not for a test with two of them.
    setTimeout(frame, 8);
  };
  frame();
  Object.assign(globalThis, {
    run: (source: string, ...args: readonly unknown[]) => engine.run(source, ...args),
    loadExample: async () => engine.run('load_script(...)', await text('/client/defold/example/example.script')),
  });
}

Object.assign(globalThis, { startGame });
