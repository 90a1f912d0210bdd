/**
 * A kernel in memory, under a clock that only moves when somebody waits: what the core's tests run on. It does as little
 * as they need: streams in pairs, datagrams by port, one resolver table. What "the relay" has is scheduled with `at`;
 * things that are due arrive when time passes, or when a barrier asks for them.
 */
import {
  type Channel,
  type Datagram,
  type DatagramSocket,
  END,
  type Endpoint,
  Failure,
  type Family,
  type HostEntry,
  type LookupUse,
  type Pending,
  type Stream,
  type Where,
} from '../../src/core/channel.ts';

type OptionValue = Parameters<Stream['setOption']>[1];

/** An answer that is in. */
export function settledWith<T>(result: T | Failure): Pending<T> {
  return { settled: true, result, subscribe: () => () => undefined };
}

export class Kernel implements Channel {
  clock = 1000;
  barriers = 0;
  unfenced = false;
  /** By host name; `null` stands for no host. */
  readonly hosts = new Map<string | null, Endpoint[] | Failure>();
  readonly lookups: string[] = [];
  readonly #events: { readonly time: number; readonly run: () => void }[] = [];
  readonly ports = new Map<number, ModelStream>();
  readonly datagramPorts = new Map<number, ModelDatagrams>();
  #nextPort = 40_000;
  socketsLeft = 5000;

  /** Does something at a time of this clock: in `seconds` from now. */
  in(seconds: number, run: () => void): void {
    this.#events.push({ time: this.clock + seconds, run });
    this.#events.sort((a, b) => a.time - b.time);
  }

  /** Does what is due. */
  runDue(): boolean {
    let ran = false;
    while (this.#events[0] !== undefined && this.#events[0].time <= this.clock) {
      this.#events.shift()?.run();
      ran = true;
    }
    return ran;
  }

  /** Lets time pass to the next event, at most to `deadline`; false when there is neither. */
  pass(deadline: number): boolean {
    const next = Math.min(this.#events[0]?.time ?? Number.POSITIVE_INFINITY, deadline);
    if (next === Number.POSITIVE_INFINITY) return false;
    this.clock = Math.max(this.clock, next);
    this.runDue();
    return true;
  }

  ephemeral(): number {
    this.#nextPort += 1;
    return this.#nextPort;
  }

  now(): number {
    return this.clock;
  }

  time(): number {
    return 1_700_000_000 + this.clock;
  }

  tcp(family: Family): ModelStream | Failure {
    if (this.socketsLeft === 0) return new Failure('EMFILE');
    this.socketsLeft -= 1;
    return new ModelStream(this, family);
  }

  udp(family: Family): ModelDatagrams | Failure {
    return new ModelDatagrams(this, family);
  }

  lookup(
    host: string | null,
    service: string | null,
    family: Family | 0,
    _kind: string,
    use: LookupUse,
  ): Pending<readonly Endpoint[]> {
    this.lookups.push(`${host} ${service} ${family} ${use}`);
    const found = this.hosts.get(host) ?? new Failure('EAI_NONAME');
    if (found instanceof Failure) return settledWith<readonly Endpoint[]>(found);
    const fitting = found.filter((end) => family === 0 || end.family === family);
    return settledWith(fitting.map((end) => ({ ...end, port: Number(service ?? 0) })));
  }

  nameinfo(host: string | null, service: string | null) {
    return settledWith({ names: host === null ? [] : [`name of ${host}`], service });
  }

  hostent(name: string): Pending<HostEntry> {
    if (name === 'nowhere') return settledWith<HostEntry>(new Failure('HOST_NOT_FOUND'));
    return settledWith({ name, aliases: [], addresses: ['127.0.0.1'] });
  }

  hostname(): Pending<string> {
    return settledWith('model');
  }

  barrier(): Pending<void> {
    this.barriers += 1;
    this.runDue();
    return settledWith<void>(undefined);
  }
}

class ModelSocket {
  readonly kernel: Kernel;
  readonly family: Family;
  readonly options = new Map<string, OptionValue>();
  readonly wakes = new Set<() => void>();
  local: Endpoint;
  bound = false;
  pending: Failure | null = null;
  closed = false;

  constructor(kernel: Kernel, family: Family) {
    this.kernel = kernel;
    this.family = family;
    this.local = { family, address: family === 4 ? '0.0.0.0' : '::', port: 0 };
  }

  wake(): void {
    for (const wake of [...this.wakes]) wake();
  }

  subscribe(wake: () => void): () => void {
    this.wakes.add(wake);
    return () => this.wakes.delete(wake);
  }

  takeError(): Failure | null {
    const { pending } = this;
    this.pending = null;
    return pending;
  }

  bind(where: Where): Pending<void> {
    if (this.bound) return settledWith<void>(new Failure('EINVAL'));
    const end = where as Endpoint;
    if (end.address === '203.0.113.77') return settledWith<void>(new Failure('EADDRNOTAVAIL'));
    this.local = { ...end, port: end.port || this.kernel.ephemeral() };
    this.bound = true;
    return settledWith<void>(undefined);
  }

  setOption(name: string, value: OptionValue): Pending<void> {
    if (name === 'ipv6-v6only' && this.family === 4) return settledWith<void>(new Failure('SETSOCKOPT'));
    this.options.set(name, value);
    return settledWith<void>(undefined);
  }

  getOption(name: string): Pending<OptionValue> {
    return settledWith(this.options.get(name) ?? false);
  }

  localName(): Pending<Endpoint> {
    return settledWith(this.local);
  }

  get knownName(): Endpoint {
    return this.local;
  }

  close(): void {
    this.closed = true;
  }
}

export class ModelStream extends ModelSocket implements Stream {
  readonly kind = 'tcp';
  state: 'fresh' | 'connecting' | 'established' | 'listening' | 'failed' = 'fresh';
  /** The word about a connection that stands, which one more connect(2) gets. */
  #unsaid = false;
  peer: Endpoint | null = null;
  other: ModelStream | null = null;
  readonly inbox: Uint8Array[] = [];
  ended = false;
  deaf = false;
  mute = false;
  /** Bytes that may be sent before it would block. */
  room = Number.POSITIVE_INFINITY;
  readonly sent: number[] = [];
  readonly backlog: ModelStream[] = [];

  get established(): boolean {
    return this.state === 'established';
  }

  get readable(): boolean {
    if (this.state === 'listening') return this.backlog.length > 0;
    return this.inbox.length > 0 || this.ended || this.deaf || this.pending !== null || this.state === 'fresh';
  }

  get writable(): boolean {
    if (this.state === 'connecting' || this.state === 'listening') return false;
    return this.room > 0 || this.pending !== null || this.mute;
  }

  connect(where: Where): Pending<'started' | 'done'> {
    if (this.state === 'connecting') return settledWith<'done'>(new Failure('EALREADY'));
    if (this.state === 'listening') return settledWith<'done'>(new Failure('EISCONN'));
    if (this.state === 'established') {
      const first = this.#unsaid;
      this.#unsaid = false;
      return settledWith<'done'>(first ? 'done' : new Failure('EISCONN'));
    }
    const end = where as Endpoint;
    if (end.address === '192.0.2.1') return settledWith<'done'>(new Failure('ENETUNREACH'));
    this.state = 'connecting';
    this.peer = end;
    this.kernel.in(0, () => this.#arrive(end));
    return settledWith('started');
  }

  #arrive(end: Endpoint): void {
    const server = this.kernel.ports.get(end.port);
    if (server === undefined) {
      if (end.port !== 9) this.fail(new Failure('ECONNREFUSED'));
      return;
    }
    const accepted = new ModelStream(this.kernel, this.family);
    join(this, accepted);
    this.#unsaid = true;
    server.backlog.push(accepted);
    server.wake();
    this.wake();
  }

  fail(failure: Failure): void {
    this.pending = failure;
    this.ended = true;
    this.mute = true;
    this.state = 'failed';
    this.wake();
  }

  listen(): Pending<void> {
    if (!this.bound) this.bind(this.local);
    this.state = 'listening';
    this.kernel.ports.set(this.local.port, this);
    return settledWith<void>(undefined);
  }

  accept(): Stream | Failure | null {
    if (this.state !== 'listening') return new Failure('EINVAL');
    return this.backlog.shift() ?? null;
  }

  get available(): number {
    return this.inbox.reduce((sum, { length }) => sum + length, 0);
  }

  recv(max: number): Uint8Array | typeof END | Failure | null {
    const [first] = this.inbox;
    if (first !== undefined) {
      if (first.length <= max) return this.inbox.shift() as Uint8Array;
      this.inbox[0] = first.subarray(max);
      return first.subarray(0, max);
    }
    if (this.pending !== null) return this.takeError();
    return this.ended || this.deaf ? END : null;
  }

  send(data: Uint8Array, from: number, to: number): number | Failure {
    if (this.pending !== null) return this.takeError() as Failure;
    if (this.mute) return new Failure('EPIPE');
    if (this.state === 'connecting') return 0;
    const count = Math.min(to - from, this.room);
    for (let i = from; i < from + count; i++) this.sent.push(data[i] as number);
    this.room -= count;
    this.other?.receive(data.slice(from, from + count));
    return count;
  }

  shutdown(how: 'receive' | 'send' | 'both'): void {
    if (how !== 'send') this.deaf = true;
    if (how !== 'receive') {
      this.mute = true;
      this.other?.end();
    }
    this.wake();
  }

  peerName(): Endpoint | Failure {
    return this.state === 'established' && this.peer !== null ? this.peer : new Failure('ENOTCONN');
  }

  receive(bytes: Uint8Array): void {
    if (bytes.length > 0) this.inbox.push(bytes);
    this.wake();
  }

  end(): void {
    this.ended = true;
    this.wake();
  }

  override close(): void {
    super.close();
    this.kernel.ports.delete(this.local.port);
    this.other?.end();
  }
}

/** Makes two streams the ends of one connection. */
function join(a: ModelStream, b: ModelStream): void {
  if (a.local.port === 0) a.local = { ...a.local, address: '127.0.0.1', port: a.kernel.ephemeral() };
  b.local = a.peer ?? { family: a.family, address: '127.0.0.1', port: a.kernel.ephemeral() };
  for (const [one, other] of [[a, b] as const, [b, a] as const]) {
    one.state = 'established';
    one.other = other;
    one.peer = other.local;
  }
}

export class ModelDatagrams extends ModelSocket implements DatagramSocket {
  readonly kind = 'udp';
  readonly inbox: Datagram[] = [];
  peer: Endpoint | null = null;
  readonly writable = true;

  get readable(): boolean {
    return this.inbox.length > 0 || this.pending !== null;
  }

  override bind(where: Where): Pending<void> {
    const done = super.bind(where);
    this.kernel.datagramPorts.set(this.local.port, this);
    return done;
  }

  connect(where: Where | null): Pending<void> {
    this.peer = where as Endpoint | null;
    return settledWith<void>(undefined);
  }

  peerName(): Endpoint | Failure {
    return this.peer ?? new Failure('ENOTCONN');
  }

  recv(): Datagram | Failure | null {
    return this.takeError() ?? this.inbox.shift() ?? null;
  }

  send(payload: Uint8Array, peer: Endpoint | null): Pending<void> {
    const error = this.takeError();
    if (error !== null) return settledWith<void>(error);
    if (!this.bound) this.bind(this.local);
    const to = peer ?? (this.peer as Endpoint);
    const target = this.kernel.datagramPorts.get(to.port);
    const from = { ...this.local, address: '127.0.0.1' };
    this.kernel.in(0, () => {
      target?.inbox.push({ payload: payload.slice(), peer: from });
      target?.wake();
    });
    return settledWith<void>(undefined);
  }
}
