/** The library's small functions: luasocket.c and timeout.c. */
import { Args } from './args.ts';
import type { Context } from './context.ts';
import { toInt } from './lua.ts';
import type { Op } from './op.ts';

/** The dialect: that of Defold's fork. */
export const VERSION = 'LuaSocket 3.0-rc1';
/** Bytes of a source's chunk. socket.lua. */
export const BLOCKSIZE = 2048;
const INT_MAX = 0x7fff_ffff;

/** Why the poll face has no sleep. */
const NO_SLEEP =
  "'sleep' would stop the page: no call of luasocket-web/poll waits. Look at gettime in each frame instead, or use " +
  'luasocket-web or luasocket-web/blocking';

/** socket.skip(d, ...): with a negative d, one value of what stands before the others on the stack is d itself. */
export function skip(context: Context, values: readonly unknown[]): unknown[] {
  const count = toInt(new Args('skip', values, context.strings).number(1));
  return values.slice(Math.max(0, count + 1)).map((value) => value ?? null);
}

/** socket.sleep(seconds) */
export function* sleep(context: Context, values: readonly unknown[]): Op<[]> {
  const seconds = new Args('sleep', values, context.strings).number(1);
  if (context.patience === 'never') throw new Error(NO_SLEEP);
  const limit = seconds > 0 ? Math.min(seconds, INT_MAX) : 0;
  const { channel } = context;
  const until = channel.time() + limit;
  yield { sources: [], ready: () => false, deadline: channel.now() + limit };
  // The estimate of the relay's clock may have been corrected meanwhile: gettime must not show a shorter sleep.
  for (let left = until - channel.time(); left > 0; left = until - channel.time()) {
    yield { sources: [], ready: () => false, deadline: channel.now() + left };
  }
  return [];
}
