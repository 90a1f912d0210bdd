/** socket.bind: the helper of socket.lua, which is Lua over the other functions and methods; so are its messages. */
import { words } from '@luasocket-web/shared/errors';
import { Failure } from './channel.ts';
import type { Context } from './context.ts';
import { getAddrInfo } from './dns.ts';
import type { Op } from './op.ts';
import type { Failed } from './results.ts';
import type { TcpState } from './state.ts';
import * as tcp from './tcp.ts';
import { IO_TIMEOUT } from './usocket.ts';

/** socket.bind(host, port, backlog): listens on the first address of the host that will do. */
export function* bind(context: Context, values: readonly unknown[]): Op<[server: TcpState] | Failed> {
  const [host, port, backlog] = values;
  const [known, reason] = yield* getAddrInfo(context, [host === '*' ? '0.0.0.0' : host]);
  // Who cannot wait for the addresses lets the relay take the first.
  const unknown = context.patience === 'never' && reason === words(IO_TIMEOUT);
  const found = unknown ? [{ family: 'inet', addr: String(host) } as const] : known;
  if (found === null) return [null, reason ?? 'no info on address'];
  let last: Failed = [null, 'no info on address'];
  for (const { family, addr } of found) {
    const state = tcp.create(context, family === 'inet' ? 4 : 6);
    if (state instanceof Failure) return [null, words(state)];
    let failure: Failed | null = last;
    try {
      failure = yield* listenOn(context, state, addr, port, backlog);
    } finally {
      // Also when a bad argument raises.
      if (failure !== null) context.descriptors.close(state.descriptor);
    }
    if (failure === null) return [state];
    last = failure;
  }
  return last;
}

function* listenOn(
  context: Context,
  state: TcpState,
  addr: string,
  port: unknown,
  backlog: unknown,
): Op<Failed | null> {
  // Its outcome is of no interest to socket.lua, and the relay does a socket's requests in order.
  context.descriptors.get(state.descriptor)?.socket.setOption('reuseaddr', true);
  const [bound, unbound] = yield* tcp.bind(context, state, [addr, port]);
  if (bound === null) return [null, unbound];
  const [listening, deaf] = yield* tcp.listen(context, state, [backlog]);
  return listening === null ? [null, deaf] : null;
}
