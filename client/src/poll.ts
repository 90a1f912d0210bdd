/** `luasocket-web/poll`: LuaSocket for frame loops. No call waits: each answers at once with what is there. */
import type { BytesOf, ConnectOptions, SocketNamespace, StringMode } from './api.ts';
import { Descriptors } from './core/descriptors.ts';
import { createNamespace } from './namespace.ts';
import { openImpatientSession } from './session/impatient.ts';
import { stringsOf } from './strings.ts';
import { PollWaiter } from './wait/poll.ts';

export type * from './api.ts';
export { LuaSocketError } from './core/except.ts';

/**
 * Connects to a relay and resolves with LuaSocket's namespace over that connection, whose calls all answer at once, as
 * after `settimeout(0)`.
 * @param url The relay's WebSocket endpoint, `ws:` or `wss:`.
 * @throws Error that says why when the relay cannot be reached or refuses; the signal's reason when it is aborted.
 */
export async function connect<S extends StringMode = 'utf8'>(
  url: string | URL,
  options: ConnectOptions<S> = {},
): Promise<SocketNamespace<'sync', BytesOf<S>>> {
  const strings = stringsOf<BytesOf<S>>(options.strings ?? 'utf8');
  const { channel, relay } = await openImpatientSession(String(url), options);
  const waiter = new PollWaiter();
  const context = { channel, strings, patience: waiter.patience, descriptors: new Descriptors() };
  return createNamespace(context, waiter, relay);
}
