/**
 * `luasocket-web/lua`: Lua 5.1 programs for real LuaSocket, in a page. `createLua` starts a Lua in a Worker, where calls
 * really block; `installLuaSocket` gives LuaSocket to a Lua of yours.
 */
import type { FromWorker, Raised, ToWorker } from './lua/protocol.ts';

export { installLuaSocket, type LuaVm } from './lua/install.ts';

export interface LuaOptions {
  /** The relay's WebSocket endpoint, `ws:` or `wss:`. */
  relay: string | URL;
  /** Lua sources for `require` ("socket.http" finds `socket/http.lua`), `dofile` and `loadfile`, by name or path. */
  files?: Readonly<Record<string, string | Uint8Array>>;
  /** Gets what the program prints, line by line; console.log by default. */
  print?: (text: string) => void;
  /** The ticket that a public relay asks for. */
  ticket?: string;
  /** Where `lua-worker.js` is, with `lua5.1.wasm` and `pump.js` beside it; by default beside this module. */
  workerUrl?: string | URL;
}

/** A running Lua. */
export interface Lua {
  /**
   * Runs a chunk with `args` as its `...`, after those that run already, and resolves with what it returns. Globals stay.
   * Strings are UTF-8 text; bytes that are not valid UTF-8 come as lone surrogates U+DC80..U+DCFF, and go back as bytes.
   * nil is null, a list an array, any other table an object; functions and userdata come as Lua's tostring shows them.
   * @throws LuaError with Lua's message when the chunk does not compile or raises; TypeError for arguments that Lua has
   * nothing like.
   */
  run(source: string | Uint8Array, ...args: unknown[]): Promise<unknown[]>;
  /** Ends it, also amid a call: closes its sockets. Chunks that run or wait reject. */
  close(): Promise<void>;
}

/** What a Lua program raised. */
export class LuaError extends Error {
  override readonly name = 'LuaError';
  /** The error object, as a result of `run` would be. */
  readonly value: unknown;
  /** Lua's own stack; '' where there was none. */
  readonly traceback: string;

  constructor({ message, traceback, value }: Raised) {
    super(message);
    this.value = value;
    this.traceback = traceback;
  }
}

/** Milliseconds for an idle Lua to close its sockets, before it is ended as it is. */
const CLOSE_MILLISECONDS = 1000;

/**
 * Starts Lua 5.1 with `socket`, `socket.core`, `mime` and `mime.core` in a Worker. The page must be cross-origin
 * isolated, since calls block there.
 * @throws Error that says why, when the Worker cannot start or the relay cannot be reached or refuses.
 */
export async function createLua(options: LuaOptions): Promise<Lua> {
  // Bundlers look for these very words, and take the worker along.
  const worker =
    options.workerUrl === undefined
      ? new Worker(new URL(/* @vite-ignore */ './lua-worker.js', import.meta.url), { type: 'module' })
      : new Worker(options.workerUrl, { type: 'module' });
  const lua = new WorkerLua(worker, options.print ?? ((text) => console.log(text)));
  await lua.start({
    type: 'start',
    relay: String(options.relay),
    ticket: options.ticket,
    files: { ...options.files },
  });
  return lua;
}

/** Who waits for one answer of the Worker. */
interface Waiting {
  resolve(message: FromWorker): void;
  reject(reason: Error): void;
}

class WorkerLua implements Lua {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  #over: Error | null = null;

  constructor(worker: Worker, print: (text: string) => void) {
    this.#worker = worker;
    worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === 'print') print(data.text);
      else this.#waiting.shift()?.resolve(data);
    });
    worker.addEventListener('error', ({ message }) => {
      this.#end(new Error(`the Worker of Lua failed: ${message || 'its script could not be loaded'}`));
    });
    worker.addEventListener('messageerror', () => this.#end(new Error('the Worker of Lua said what no page can read')));
  }

  async start(message: ToWorker & { readonly type: 'start' }): Promise<void> {
    const answer = await this.#ask(message);
    if (answer.type !== 'failed') return;
    const error = new Error(answer.message);
    this.#end(error);
    throw error;
  }

  async run(source: string | Uint8Array, ...args: unknown[]): Promise<unknown[]> {
    const answer = await this.#ask({ type: 'run', source, args });
    if (answer.type === 'returned') return answer.results;
    throw answer.type === 'raised' ? new LuaError(answer.raised) : new Error(`unexpected answer ${answer.type}`);
  }

  async close(): Promise<void> {
    if (this.#over) return;
    const running = this.#waiting.length > 0;
    // A Worker that blocks hears nothing; its sockets close with its WebSocket.
    if (!running) {
      const late = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MILLISECONDS));
      await Promise.race([this.#ask({ type: 'close' }), late]).catch(() => undefined);
    }
    this.#end(new Error('Lua was closed'));
  }

  #ask(message: ToWorker): Promise<FromWorker> {
    return new Promise((resolve, reject) => {
      if (this.#over) throw this.#over;
      this.#worker.postMessage(message);
      this.#waiting.push({ resolve, reject });
    });
  }

  #end(why: Error): void {
    this.#over ??= why;
    this.#worker.terminate();
    for (const { reject } of this.#waiting.splice(0)) reject(this.#over);
  }
}
