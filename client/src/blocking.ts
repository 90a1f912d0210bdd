/**
 * `luasocket-web/blocking`: LuaSocket for a Worker of a cross-origin isolated page, with calls that really block. Another
 * worker, the pump, holds the WebSocket; the page's own thread may be busy meanwhile.
 */
import type { BytesOf, ConnectOptions, SocketNamespace, StringMode } from './api.ts';
import { Descriptors } from './core/descriptors.ts';
import { createNamespace } from './namespace.ts';
import { stringsOf } from './strings.ts';
import { BlockWaiter } from './wait/block.ts';
import { checkPlace } from './workers/place.ts';
import { startPump } from './workers/start.ts';

export type * from './api.ts';
export { LuaSocketError } from './core/except.ts';

/** Options of `connect`. The pump's worker makes the WebSocket, so there is no class to be given. */
export type BlockingOptions<S extends StringMode = 'utf8'> = Omit<ConnectOptions<S>, 'WebSocket'>;

/**
 * Connects to a relay and resolves with LuaSocket's namespace over that connection, once everything is ready that
 * calls need while this thread is blocked.
 * @param url The relay's WebSocket endpoint, `ws:` or `wss:`.
 * @throws Error that says why, when the relay cannot be reached or refuses, or when threads cannot share memory or
 * block here; the signal's reason when it is aborted.
 */
export async function connect<S extends StringMode = 'utf8'>(
  url: string | URL,
  options: BlockingOptions<S> = {},
): Promise<SocketNamespace<'sync', BytesOf<S>>> {
  const strings = stringsOf<BytesOf<S>>(options.strings ?? 'utf8');
  options.signal?.throwIfAborted();
  checkPlace();
  const { workerUrl } = options;
  // Bundlers look for these very words, and take the worker along.
  const spawn = () =>
    workerUrl === undefined
      ? new Worker(new URL(/* @vite-ignore */ './pump.js', import.meta.url), { type: 'module' })
      : new Worker(workerUrl, { type: 'module' });
  const thread = await startPump(String(url), options.ticket ?? null, spawn, options.signal);
  const waiter = new BlockWaiter(thread);
  const context = { channel: thread.channel, strings, patience: waiter.patience, descriptors: new Descriptors() };
  return createNamespace(context, waiter, thread.relay);
}
