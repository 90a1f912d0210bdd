/**
 * What each frame of a client does: checks that it fits the state, asks the gate, makes the system call, answers. A
 * ProtocolError that leaves here ends the session.
 */
import { type Endpoint, packEndpoint, parseAddress } from '@luasocket-web/shared/address';
import type { BulkLimit } from '@luasocket-web/shared/bulk-limit';
import { ProtocolError } from '@luasocket-web/shared/errors';
import type { SendPool } from '@luasocket-web/shared/flow';
import { type ClientFrame, type FrameOf, HOW, KIND, type Target, USE, type Value } from '@luasocket-web/shared/frames';
import type { Asker, Names, Use } from '../dns/names.ts';
import type { Gate } from '../gate.ts';
import type { Scans } from '../limits/scans.ts';
import {
  type RelaySocket,
  type SocketFactory,
  SystemFailure,
  type TcpSocket,
  type UdpSocket,
} from '../sockets/socket.ts';
import type { Tally } from '../tally.ts';
import type { Credit } from './credit.ts';
import { DatagramPort } from './datagrams.ts';
import { lasting } from './lasting.ts';
import type { Leases } from './leases.ts';
import type { Voice } from './parts.ts';
import type { Requests } from './requests.ts';
import { Stream } from './stream.ts';
import type { Streams } from './streams.ts';
import type { Entry, SocketTable } from './table.ts';
import { afterNextPoll, type Turnstile } from './turns.ts';

/** Everything a frame may touch. */
export interface Context {
  readonly voice: Voice;
  readonly table: SocketTable;
  readonly streams: Streams;
  readonly requests: Requests;
  readonly leases: Leases;
  readonly send: SendPool;
  readonly bulkLimit: BulkLimit;
  readonly credit: Credit;
  readonly gate: Gate;
  readonly names: Names;
  readonly lookups: Turnstile;
  readonly sockets: SocketFactory;
  readonly maxBacklog: number;
  /** Limits against scanning; null: none. */
  readonly scans: Scans | null;
  /** Seconds that an attempt to connect may take, where there are such limits. */
  readonly connectSeconds: number;
  readonly tally: Tally;
  /** Bytes that requests keep while they wait for a look-up. */
  readonly waiting: { bytes: number };
}

/** Most bytes that requests may keep while they wait for a look-up; a send beyond it fails with ENOBUFS. */
const WAITING_BYTES = 1024 * 1024;

type Handlers = { readonly [N in ClientFrame['type']]?: (c: Context, frame: FrameOf<N>) => void };

const HANDLERS: Handlers = {
  open(c, { socket: id, kind, family }) {
    const asked = family === 4 ? 4 : 6;
    if (kind === KIND.tcp) {
      const stream = new Stream(id, c.streams);
      make(c, stream, () => {
        stream.socket = c.sockets.tcp(asked, stream);
      });
    } else {
      const port = new DatagramPort(id, {
        voice: c.voice,
        send: c.send,
        bulkLimit: c.bulkLimit,
        peers: c.scans?.peers() ?? null,
        strangers: c.gate.claims.strangers,
        dropped: (why) => c.tally.dropped.add(why),
      });
      make(c, port, () => {
        port.socket = c.sockets.udp(asked, port);
      });
    }
  },

  resolve(c, { request, host, service, family, kind, use }) {
    c.requests.begin(request);
    const question = {
      host,
      service,
      family: family === 4 ? 4 : family === 6 ? 6 : 0,
      kind: kind === KIND.tcp ? 'stream' : 'datagram',
      use: USES[use] ?? 'names',
    } as const;
    const lookup = c.lookups.pass(async () => {
      askable(c, host, 'addrinfo');
      const found = await c.names.resolve(question);
      // Where a number leads that is about to be used is judged then, after what the kernel has against it.
      if (question.use === 'names' || !isLiteral(host)) c.gate.answers(host, found);
      return found;
    });
    c.requests.resolve(request, lookup, (found) => [...found.map(packEndpoint), ...timeToLive(found)]);
  },

  bind(c, { request, socket, target }) {
    const entry = c.table.get(socket);
    const { kind } = entry;
    towards(c, entry, request, target, (at, made) => {
      if (!at) throw new SystemFailure('EINVAL');
      sameFamily(made, at);
      c.gate.pass({ name: 'bind', kind, at });
      const leased = c.leases.release(kind, at.family, at.port);
      try {
        made.bind(at);
      } finally {
        if (leased) c.leases.renew(kind, at.family);
      }
      return null;
    });
  },

  connect(c, { request, socket, target }) {
    const entry = c.table.get(socket);
    towards(c, entry, request, target, (at) => {
      const made = madeOf(entry);
      if (at) {
        sameFamily(made, at);
        c.gate.passDestination({ name: 'connect', kind: made.kind, at });
      }
      if (entry.kind === 'udp') {
        if (entry.socket) entry.connect(entry.socket, at);
        return null;
      }
      if (!at) throw new SystemFailure('EINVAL');
      return packEndpoint(c.gate.localName(attempt(c, entry, at)));
    });
  },

  listen(c, { request, socket, backlog }) {
    const stream = c.table.stream(socket);
    inOrder(c, stream, request, () => {
      const made = madeOf(stream);
      c.gate.pass({ name: 'listen', at: made.localName() });
      made.listen(backlog < 0 || backlog > c.maxBacklog ? c.maxBacklog : backlog);
      return null;
    });
  },

  accept(c, { socket }) {
    c.streams.take(c.table.stream(socket));
  },

  shutdown(c, { socket, how }) {
    c.streams.shutdown(c.table.stream(socket), how === HOW.receive ? 'receive' : how === HOW.send ? 'send' : 'both');
  },

  close(c, { socket, consumed }) {
    const entry = c.table.get(socket);
    c.table.remove(entry);
    if (entry.kind === 'udp') entry.close();
    else c.streams.close(entry, (entry.socket?.received ?? 0) > consumed);
  },

  setoption(c, { request, socket, option, value }) {
    inOrder(c, c.table.get(socket), request, (made) => {
      c.gate.option(option, value);
      made.setOption(option, value);
      return null;
    });
  },

  getoption(c, { request, socket, option }) {
    inOrder(c, c.table.get(socket), request, (made) => made.getOption(option));
  },

  getsockname(c, { request, socket }) {
    inOrder(c, c.table.get(socket), request, (made) => packEndpoint(c.gate.localName(made.localName())));
  },

  sendto(c, { request, socket, peer, payload }) {
    const port = c.table.port(socket);
    const datagram = port.ordered.waiting ? lasting(payload) : payload;
    const send = (): Value => {
      const made = madeOf(port);
      if (peer) {
        sameFamily(made, peer);
        c.gate.passDestination({ name: 'sendto', at: peer });
      }
      port.write(made, datagram, peer);
      return null;
    };
    inOrder(c, port, request, send, null, payload.length);
  },

  nameinfo(c, { request, host, service }) {
    c.requests.begin(request);
    const lookup = c.lookups.pass(async (): Promise<Value> => {
      if (host !== null) askable(c, host, 'addrinfo');
      const found = await c.names.nameinfo(host, service, asker(c, host));
      return [found.names, found.service];
    });
    c.requests.later(request, lookup);
  },

  hostent(c, { request, name }) {
    c.requests.begin(request);
    const lookup = c.lookups.pass(async (): Promise<Value> => {
      askable(c, name, 'hostent');
      const found = await c.names.hostent(name, asker(c, name));
      return [found.name, found.aliases, found.addresses, ...timeToLive([found])];
    });
    c.requests.later(request, lookup);
  },

  hostname(c, { request }) {
    c.requests.begin(request);
    c.requests.reply(request, c.names.hostname);
  },

  barrier(c, { request }) {
    c.requests.begin(request);
    afterNextPoll(() => c.voice.guard(() => c.requests.reply(request, null)));
  },

  datagram(c, { socket, peer, payload }) {
    const port = c.table.port(socket);
    try {
      const made = madeOf(port);
      if (peer) {
        sameFamily(made, peer);
        c.gate.passDestination({ name: 'sendto', at: peer });
      }
      port.write(made, payload, peer);
    } catch (error) {
      port.tell(error);
    }
  },

  credit(c, { socket, bytes }) {
    const entry = c.table.get(socket);
    c.send.giveBack(socket, bytes, entry.kind === 'tcp' ? 'stream' : 'datagram');
    c.bulkLimit.credited(socket, bytes);
    c.streams.credited();
  },

  pool(c, { bytes }) {
    c.credit.widen(bytes);
    c.streams.credited();
  },
};

const USES: { readonly [use: number]: Use } = {
  [USE.connect]: 'connect',
  [USE.bind]: 'bind',
  [USE.numeric]: 'numeric',
  [USE.names]: 'names',
};

/** @throws ProtocolError which ends the session. */
export function dispatch(c: Context, frame: ClientFrame): void {
  const handler = HANDLERS[frame.type] as ((c: Context, frame: ClientFrame) => void) | undefined;
  if (!handler) throw new ProtocolError('unexpected', `${frame.type} in an open session`);
  handler(c, frame);
}

/** socket(2), which may be refused: that is the answer to whatever is asked of the socket. */
function make(c: Context, entry: Entry, create: () => void): void {
  const hasRoom = c.table.hasRoom();
  c.table.open(entry);
  try {
    if (!hasRoom) throw new SystemFailure('EMFILE');
    c.gate.pass({ name: 'open', kind: entry.kind });
    create();
  } catch (error) {
    if (!(error instanceof SystemFailure)) throw error;
    entry.refused = error;
  }
}

function madeOf(stream: Stream): TcpSocket;
function madeOf(port: DatagramPort): UdpSocket;
function madeOf(entry: Entry): TcpSocket | UdpSocket;
function madeOf(entry: Entry): TcpSocket | UdpSocket {
  if (entry.socket) return entry.socket;
  throw entry.refused ?? new SystemFailure('EBADF');
}

/** Begins a request of a socket, after those before it and after what `ready` waits for; answers with what `run` does. */
function inOrder(
  c: Context,
  entry: Entry,
  request: number,
  run: (made: RelaySocket) => Value,
  ready: Promise<void> | null = null,
  weight = 0,
): void {
  c.requests.begin(request);
  const waits = ready !== null || entry.ordered.waiting;
  if (waits && c.waiting.bytes + weight > WAITING_BYTES) {
    c.requests.fail(request, new SystemFailure('ENOBUFS'));
    return;
  }
  const kept = waits ? weight : 0;
  c.waiting.bytes += kept;
  entry.ordered.add({
    ready,
    run: () => {
      c.waiting.bytes -= kept;
      c.voice.guard(() => c.requests.answer(request, () => run(madeOf(entry))));
    },
    cancel: () => {
      c.waiting.bytes -= kept;
      c.requests.fail(request, new SystemFailure('EBADF'));
    },
  });
}

/** A request that leads to an address, perhaps one whose look-up is under way. */
function towards(
  c: Context,
  entry: Entry,
  request: number,
  target: Target | null,
  run: (at: ReturnType<ReturnType<Requests['destination']>['endpoint']>, made: RelaySocket) => Value,
): void {
  const destination = c.requests.destination(target);
  inOrder(c, entry, request, (made) => run(destination.endpoint(), made), destination.ready);
}

/** How long an answer holds: the last element of it, where name servers told. */
function timeToLive(found: readonly { readonly ttl?: number }[]): readonly number[] {
  const known = found.flatMap(({ ttl }) => ttl ?? []);
  return known.length > 0 ? [Math.min(...known)] : [];
}

/** The kernel's answer to an address of another family, which comes before any verdict. */
function sameFamily(made: RelaySocket, at: { readonly family: number }): void {
  if (made.family !== at.family) throw new SystemFailure('EAFNOSUPPORT');
}

/** Begins an attempt to connect, within the limits. Answers the local name. */
function attempt(c: Context, stream: Stream, at: Endpoint): Endpoint {
  const made = madeOf(stream);
  const over = c.scans?.connect(at);
  try {
    const local = made.connect(at);
    if (over) {
      const timer = setTimeout(() => {
        c.tally.limits.add('connectSeconds');
        made.giveUp();
      }, c.connectSeconds * 1000).unref();
      stream.settled = () => {
        stream.settled = null;
        clearTimeout(timer);
        over();
      };
    }
    return local;
  } catch (error) {
    over?.();
    throw error;
  }
}

/** Whether the session may ask for this name or the name of this address, and does not ask too fast. */
function askable(c: Context, host: string | null, by: 'addrinfo' | 'hostent'): void {
  c.gate.pass({ name: 'resolve', host });
  if (host !== null) c.scans?.lookup(by);
}

function isLiteral(host: string | null): boolean {
  return host !== null && parseAddress(host) !== null;
}

/** What the resolver must ask of us while it looks something up. */
function asker(c: Context, host: string | null): Asker {
  return {
    mayReverse: (address) => {
      c.gate.pass({ name: 'reverse', address });
      return true;
    },
    answers: (found) => c.gate.answers(host, found),
  };
}
