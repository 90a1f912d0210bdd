/**
 * Plays a LÖVE game, as it is, in the page: love.js runs it, and luasocket-web/emscripten serves its sockets. Knows nothing
 * of what the game does.
 */
import { installEmscriptenSockets } from 'luasocket-web/emscripten';
import conf from '../gallery/tag/conf.lua?raw';
import main from '../gallery/tag/main.lua?raw';

/** What love.js' program is given, and what it adds by itself before `preRun`. */
interface LoveModule {
  readonly canvas: HTMLCanvasElement;
  readonly arguments: readonly string[];
  /** Bytes. */
  readonly INITIAL_MEMORY: number;
  readonly preRun: ReadonlyArray<() => void>;
  print(text: string): void;
  printErr(text: string): void;
  FS_createDataFile?(parent: string, name: string, data: string, canRead: boolean, canWrite: boolean): void;
}

declare global {
  /** Comes with love.js' script. */
  var Love: (module: LoveModule) => unknown;
}

const FILES = { 'main.lua': main, 'conf.lua': conf };
/** Lines of what the game says that stay. */
const LINES = 200;

const canvas = element('canvas', HTMLCanvasElement);
const output = element('output', HTMLElement);
element('program', HTMLElement).textContent = main;

function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no #${id}`);
  return found;
}

function print(text: string): void {
  console.log(text);
  const line = document.createElement('div');
  line.textContent = text;
  output.append(line);
  while (output.childElementCount > LINES) output.firstElementChild?.remove();
  output.scrollTop = output.scrollHeight;
}

// SDL listens on the window, and lets no key through. Keys are the game's only on the field, and Tab is never: who has come
// in by keyboard can leave.
for (const type of ['keydown', 'keypress', 'keyup'] as const) {
  const guard = (event: KeyboardEvent): void => {
    if (event.key === 'Tab' || (type === 'keydown' && document.activeElement !== canvas)) {
      event.stopImmediatePropagation();
    }
  };
  window.addEventListener(type, guard, { capture: true });
}
canvas.addEventListener('pointerdown', () => canvas.focus());

const relay = new URL('../relay', location.href);
relay.protocol = relay.protocol === 'https:' ? 'wss:' : 'ws:';
installEmscriptenSockets({ relay }).ready.catch((error: unknown) => print(`no sockets: ${error}`));

const script = document.createElement('script');
script.src = new URL('../love/love.js', location.href).href;
script.addEventListener('error', () => print('love.js has not come'));
script.addEventListener('load', () => {
  const module: LoveModule = {
    canvas,
    arguments: ['./'],
    INITIAL_MEMORY: 64 * 1024 * 1024,
    preRun: [
      () => {
        for (const [name, text] of Object.entries(FILES)) module.FS_createDataFile?.('/', name, text, true, true);
      },
    ],
    print,
    printErr: (text) => print(text),
  };
  Love(module);
  canvas.focus();
});
document.head.append(script);
