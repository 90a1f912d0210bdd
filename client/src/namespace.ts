/** LuaSocket's namespace over a channel, for any waiter: the names, and what each runs. tcp.c, udp.c, socket.lua, ... */
import { words } from '@luasocket-web/shared/errors';
import type {
  Answer,
  Dns,
  Face,
  Failed,
  RelayStatus,
  Sink,
  SocketNamespace,
  Source,
  TcpSocket,
  Try,
  UdpSocket,
} from './api.ts';
import { Failure, type Family } from './core/channel.ts';
import type { Context } from './core/context.ts';
import { SETSIZE } from './core/descriptors.ts';
import * as dns from './core/dns.ts';
import { attempt, guarded } from './core/except.ts';
import { type Chunks, type ClientLike, choose, SINKS, sources } from './core/io.ts';
import * as misc from './core/misc.ts';
import type { Op } from './core/op.ts';
import { select } from './core/select.ts';
import * as server from './core/server.ts';
import type { TcpState } from './core/state.ts';
import * as tcp from './core/tcp.ts';
import * as udp from './core/udp.ts';
import { Kit } from './objects.ts';
import type { Waiter } from './wait/waiter.ts';

type Values = unknown[];

/** `relay` is passed through. */
export function createNamespace<F extends Face, B>(
  context: Context<B>,
  waiter: Waiter<F>,
  relay: RelayStatus,
): SocketNamespace<F, B> {
  const kit = new Kit(context, waiter);
  // No two calls of the library itself wait for one another.
  const run = <T>(op: Op<T>): Answer<F, T> => waiter.run(op, kit, 'free');

  const newTcp = (family: Family) => (): [TcpSocket<F, B>] | Failed => {
    const state = tcp.create(context, family);
    return state instanceof Failure ? [null, words(state)] : [kit.tcp(state)];
  };
  const newUdp = (family: Family) => (): [UdpSocket<F, B>] | Failed => {
    const state = udp.create(context, family);
    return state instanceof Failure ? [null, words(state)] : [kit.udp(state)];
  };
  function* made(op: Op<[TcpState] | Failed>): Op<[TcpSocket<F, B>] | Failed> {
    const [state, reason] = yield* op;
    return state === null ? [null, reason] : [kit.tcp(state)];
  }
  const connect = (...values: Values) => run(made(tcp.open(context, values)));
  /** socket.lua hands all five on, so that one that is missing counts as nil. */
  const connectBy =
    (family: 'inet' | 'inet6') =>
    (...[address, port, localAddress, localPort]: Values) =>
      connect(address, port, localAddress, localPort, family);

  const newTry = (...[finalizer]: Values): Try<F> =>
    ((...given: Values) => waiter.follow(attempt(finalizer, given))) as Try<F>;

  const chunked = <T>(client: ClientLike, chunks: Chunks): T =>
    Object.assign((...args: Values) => waiter.follow(chunks(...args)), {
      getfd: () => client.getfd(),
      dirty: () => client.dirty(),
    }) as T;
  const sizeOf = (chunk: unknown): number => {
    if (chunk instanceof Uint8Array) return chunk.length;
    return typeof chunk === 'string' ? (context.strings.encode(chunk)?.length ?? chunk.length) : 0;
  };
  const wrapped = <T>(table: { readonly [name: string]: (client: ClientLike, length: number) => Chunks }) =>
    choose<T>(
      Object.fromEntries(
        Object.entries(table).map(([name, make]) => [
          name,
          (client: ClientLike, length: number) => chunked<T>(client, make(client, length)),
        ]),
      ),
    );

  const resolver: Dns<F> = {
    toip: (...values: Values) => run(dns.toIp(context, values)),
    tohostname: (...values: Values) => run(dns.toHostName(context, values)),
    gethostname: () => run(dns.getHostName(context)),
    getaddrinfo: (...values: Values) => run(dns.getAddrInfo(context, values)),
    getnameinfo: (...values: Values) => run(dns.getNameInfo(context, values)),
  };

  return {
    _VERSION: misc.VERSION,
    _SETSIZE: SETSIZE,
    BLOCKSIZE: misc.BLOCKSIZE,
    tcp: newTcp(4),
    tcp4: newTcp(4),
    tcp6: newTcp(6),
    udp: newUdp(4),
    udp4: newUdp(4),
    udp6: newUdp(6),
    connect,
    connect4: connectBy('inet'),
    connect6: connectBy('inet6'),
    bind: (...values: Values) => run(made(server.bind(context, values))),
    select: ((...values: Values) => run(select(context, values))) as SocketNamespace<F, B>['select'],
    sleep: (...values: Values) => run(misc.sleep(context, values)),
    gettime: () => context.channel.time(),
    newtry: newTry,
    protect: ((f: unknown) =>
      (...args: Values) =>
        waiter.follow(guarded(f, args))) as SocketNamespace<F, B>['protect'],
    try: newTry(),
    skip: (...values: Values) => misc.skip(context, values),
    choose: choose as SocketNamespace<F, B>['choose'],
    source: wrapped<Source<F, B>>(sources(sizeOf, context.patience)),
    sink: wrapped<Sink<F>>(SINKS),
    dns: resolver,
    relay,
  };
}
