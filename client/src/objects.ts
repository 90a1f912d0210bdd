/**
 * The objects that programs hold, TCP and UDP, for any face: each method runs its operation through the waiter. The
 * methods take their arguments as they come, since Lua counts them.
 */
import type {
  Answer,
  Done,
  Face,
  Failed,
  Failed3,
  LocalName,
  OptionResult,
  PeerName,
  ReceiveResult,
  SendResult,
  Stats,
  TcpClass,
  TcpGettable,
  TcpSocket,
  UdpClass,
  UdpGettable,
  UdpSocket,
} from './api.ts';
import type { Context } from './core/context.ts';
import * as object from './core/object.ts';
import { immediate, type Op } from './core/op.ts';
import type { AnyState, TcpState, UdpState } from './core/state.ts';
import * as tcp from './core/tcp.ts';
import * as udp from './core/udp.ts';
import type { Direction, Waiter } from './wait/waiter.ts';

/** What all objects of a session share. */
export class Kit<F extends Face, B> {
  readonly context: Context<B>;
  readonly waiter: Waiter<F>;
  #made = 0;

  constructor(context: Context<B>, waiter: Waiter<F>) {
    this.context = context;
    this.waiter = waiter;
  }

  /** A number that looks like an address, another one for each object; Lua's tostring shows one. */
  address(): string {
    this.#made += 1;
    return `0x${(0x5500_0000_0000 + this.#made * 0x40).toString(16)}`;
  }

  tcp(state: TcpState): TcpSocket<F, B> {
    return new TcpObject(this, state);
  }

  udp(state: UdpState): UdpSocket<F, B> {
    return new UdpObject(this, state);
  }
}

type Values = unknown[];

abstract class LuaObject<F extends Face, B, S extends AnyState> {
  readonly #kit: Kit<F, B>;
  readonly #state: S;
  readonly #address: string;

  constructor(kit: Kit<F, B>, state: S) {
    this.#kit = kit;
    this.#state = state;
    this.#address = kit.address();
  }

  protected get kit(): Kit<F, B> {
    return this.#kit;
  }

  protected get state(): S {
    return this.#state;
  }

  protected run<T>(op: Op<T>, direction: Direction): Answer<F, T> {
    return this.#kit.waiter.run(op, this, direction);
  }

  /** For what need not run. */
  protected answer<T>(value: T): Answer<F, T> {
    return this.#kit.waiter.answer(value);
  }

  toString(): string {
    return `${this.#state.class}: ${this.#address}`;
  }

  get [Symbol.toStringTag](): string {
    return this.#state.class;
  }

  close(): Answer<F, [1]> {
    return this.run(
      immediate(() => object.close(this.kit.context, this.state)),
      'free',
    );
  }

  getfamily(): Answer<F, ['inet4' | 'inet6']> {
    return this.run(
      immediate(() => object.getFamily(this.kit.context, this.state)),
      'free',
    );
  }

  getfd(): number {
    return object.getFd(this.kit.context, this.state);
  }

  setfd(...values: Values): [] {
    return object.setFd(this.kit.context, this.state, values);
  }

  settimeout(...values: Values): [1] {
    return object.setTimeout(this.kit.context, this.state, values);
  }
}

class TcpObject<F extends Face, B> extends LuaObject<F, B, TcpState> implements TcpSocket<F, B> {
  get class(): TcpClass {
    return this.state.class;
  }

  accept(): Answer<F, [client: TcpSocket<F, B>] | Failed> {
    return this.run(accepted(this.kit, this.state), 'in');
  }

  bind(...values: Values): Answer<F, Done | Failed> {
    return this.run(tcp.bind(this.kit.context, this.state, values), 'setup');
  }

  setsockname(...values: Values): Answer<F, Done | Failed> {
    return this.run(tcp.bind(this.kit.context, this.state, values, 'setsockname'), 'setup');
  }

  connect(...values: Values): Answer<F, Done | Failed> {
    return this.run(tcp.connect(this.kit.context, this.state, values), 'setup');
  }

  setpeername(...values: Values): Answer<F, Done | Failed> {
    return this.run(tcp.connect(this.kit.context, this.state, values, 'setpeername'), 'setup');
  }

  listen(...values: Values): Answer<F, Done | Failed> {
    return this.run(tcp.listen(this.kit.context, this.state, values), 'setup');
  }

  receive(...values: Values): Answer<F, ReceiveResult<B>> {
    const idle = tcp.receiveIdle(this.kit.context, this.state, values);
    return idle === null ? this.run(tcp.receive(this.kit.context, this.state, values), 'in') : this.answer(idle);
  }

  send(...values: Values): Answer<F, SendResult> {
    return this.run(tcp.send(this.kit.context, this.state, values), 'out');
  }

  /** Shutting down reading alone needs not wait for what is being sent. */
  shutdown(...values: Values): Answer<F, [1]> {
    return this.run(
      immediate(() => tcp.shutdown(this.kit.context, this.state, values)),
      values[0] === 'receive' ? 'free' : 'out',
    );
  }

  dirty(): boolean {
    return tcp.dirty(this.kit.context, this.state);
  }

  getstats(): Stats {
    return tcp.getStats(this.kit.context, this.state);
  }

  setstats(...values: Values): [1] {
    return tcp.setStats(this.kit.context, this.state, values);
  }

  getsockname(): Answer<F, LocalName> {
    return this.run(tcp.getSockName(this.kit.context, this.state), 'free');
  }

  getpeername(): Answer<F, PeerName> {
    return this.run(tcp.getPeerName(this.kit.context, this.state), 'free');
  }

  setoption(...values: Values): Answer<F, Done | Failed> {
    return this.run(tcp.setOption(this.kit.context, this.state, values), 'free');
  }

  getoption<K extends keyof TcpGettable>(...values: Values): Answer<F, OptionResult<TcpGettable[K]>> {
    const op = tcp.getOption(this.kit.context, this.state, values) as Op<OptionResult<TcpGettable[K]>>;
    return this.run(op, 'free');
  }
}

/** tcp.accept, with an object instead of its state. */
function* accepted<F extends Face, B>(kit: Kit<F, B>, state: TcpState): Op<[client: TcpSocket<F, B>] | Failed> {
  const [client, reason] = yield* tcp.accept(kit.context, state);
  return client === null ? [null, reason] : [kit.tcp(client)];
}

class UdpObject<F extends Face, B> extends LuaObject<F, B, UdpState> implements UdpSocket<F, B> {
  get class(): UdpClass {
    return this.state.class;
  }

  receive(...values: Values): Answer<F, [datagram: B] | Failed> {
    const idle = udp.receiveIdle(this.kit.context, this.state, null, values);
    return idle === null ? this.run(udp.receive(this.kit.context, this.state, values), 'in') : this.answer(idle);
  }

  receivefrom(...values: Values): Answer<F, [datagram: B, address: string, port: number] | Failed3> {
    const idle = udp.receiveIdle(this.kit.context, this.state, 'udp{unconnected}', values);
    return idle === null ? this.run(udp.receiveFrom(this.kit.context, this.state, values), 'in') : this.answer(idle);
  }

  send(...values: Values): Answer<F, [bytes: number] | Failed> {
    return this.run(udp.send(this.kit.context, this.state, values), 'out');
  }

  sendto(...values: Values): Answer<F, [bytes: number] | Failed> {
    return this.run(udp.sendTo(this.kit.context, this.state, values), 'out');
  }

  setsockname(...values: Values): Answer<F, Done | Failed> {
    return this.run(udp.setSockName(this.kit.context, this.state, values), 'setup');
  }

  setpeername(address: '*', ...values: Values): Answer<F, [1]>;
  setpeername(...values: Values): Answer<F, Done | Failed>;
  setpeername(...values: Values): Answer<F, Done | Failed> {
    return this.run(udp.setPeerName(this.kit.context, this.state, values), 'setup');
  }

  dirty(): boolean {
    return false;
  }

  getsockname(): Answer<F, LocalName> {
    return this.run(udp.getSockName(this.kit.context, this.state), 'free');
  }

  getpeername(): Answer<F, PeerName> {
    return this.run(udp.getPeerName(this.kit.context, this.state), 'free');
  }

  setoption(...values: Values): Answer<F, Done | Failed> {
    return this.run(udp.setOption(this.kit.context, this.state, values), 'free');
  }

  getoption<K extends keyof UdpGettable>(...values: Values): Answer<F, OptionResult<UdpGettable[K]>> {
    const op = udp.getOption(this.kit.context, this.state, values) as Op<OptionResult<UdpGettable[K]>>;
    return this.run(op, 'free');
  }
}
