/** `luasocket-web`: LuaSocket for pages, workers and Node, with calls that answer Promises. */
import type { BytesOf, ConnectOptions, SocketNamespace, StringMode } from './api.ts';
import { Descriptors } from './core/descriptors.ts';
import { createNamespace } from './namespace.ts';
import { openSession } from './session/connect.ts';
import { stringsOf } from './strings.ts';
import { PromiseWaiter } from './wait/promise.ts';

export type * from './api.ts';
export { LuaSocketError } from './core/except.ts';

/**
 * Connects to a relay and resolves with LuaSocket's namespace over that connection.
 * @param url The relay's WebSocket endpoint, `ws:` or `wss:`.
 * @throws Error that says why when the relay cannot be reached or refuses; the signal's reason when it is aborted.
 */
export async function connect<S extends StringMode = 'utf8'>(
  url: string | URL,
  options: ConnectOptions<S> = {},
): Promise<SocketNamespace<'async', BytesOf<S>>> {
  const strings = stringsOf<BytesOf<S>>(options.strings ?? 'utf8');
  const { channel, relay } = await openSession(String(url), options);
  const waiter = new PromiseWaiter(() => channel.now());
  const context = { channel, strings, patience: waiter.patience, descriptors: new Descriptors() };
  return createNamespace(context, waiter, relay);
}
