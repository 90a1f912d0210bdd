/** The script of the Worker of `createLua`, `dist/lua-worker.js`: a Lua program over a blocking namespace. */
import { connect } from '../blocking.ts';
import type { FromWorker, ToWorker } from './protocol.ts';
import { Runtime } from './runtime.ts';

/** What is used of a DedicatedWorkerGlobalScope. */
interface Scope {
  addEventListener(type: 'message', listener: (event: { readonly data: ToWorker }) => void): void;
  postMessage(message: FromWorker): void;
}

const scope = globalThis as unknown as Scope;
let runtime: Runtime | null = null;

const why = (error: unknown) => (error instanceof Error ? error.message : String(error));

async function start({ relay, ticket, files }: ToWorker & { readonly type: 'start' }): Promise<void> {
  try {
    const socket = await connect(relay, {
      strings: 'bytes',
      ...(ticket === undefined ? {} : { ticket }),
    });
    runtime = await Runtime.start({
      wasm: new URL(/* @vite-ignore */ './lua5.1.wasm', import.meta.url).href,
      socket,
      files,
      print: (text) => scope.postMessage({ type: 'print', text }),
    });
    scope.postMessage({ type: 'started' });
  } catch (error) {
    scope.postMessage({ type: 'failed', message: why(error) });
  }
}

function run({ source, args }: ToWorker & { readonly type: 'run' }): FromWorker {
  try {
    if (runtime === null) throw new Error('Lua has not started');
    const outcome = runtime.run(source, args);
    return 'raised' in outcome
      ? { type: 'raised', raised: outcome.raised }
      : { type: 'returned', results: outcome.results };
  } catch (error) {
    return { type: 'raised', raised: { message: why(error), traceback: '', value: null } };
  }
}

scope.addEventListener('message', ({ data }) => {
  if (data.type === 'start') void start(data);
  else if (data.type === 'run') scope.postMessage(run(data));
  else {
    runtime?.close();
    scope.postMessage({ type: 'closed' });
  }
});
