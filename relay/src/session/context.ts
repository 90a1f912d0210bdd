/** What the frames of a session work with, put together: its sockets, its credit, its requests. Knows no WebSocket and no link. */
import { BulkLimit, type Route } from '@luasocket-web/shared/bulk-limit';
import { ReceivePool, SendPool } from '@luasocket-web/shared/flow';
import type { Limits } from '../config.ts';
import type { Names } from '../dns/names.ts';
import type { Gate } from '../gate.ts';
import type { Scans } from '../limits/scans.ts';
import type { ReadBuffers } from '../sockets/read-buffers.ts';
import type { SocketFactory } from '../sockets/socket.ts';
import type { Tally } from '../tally.ts';
import { Budget } from './budget.ts';
import { Credit } from './credit.ts';
import type { Context } from './dispatch.ts';
import { Leases } from './leases.ts';
import type { Clock, Voice } from './parts.ts';
import { Requests } from './requests.ts';
import { Streams } from './streams.ts';
import { SocketTable } from './table.ts';
import { Turnstile } from './turns.ts';

/** Look-ups of one session under way at once, so that it cannot fill the process' pool of threads. */
const LOOKUPS = 16;

export interface Means {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly gate: Gate;
  readonly names: Names;
  readonly sockets: SocketFactory;
  readonly leases: number;
  /** Limits against scanning; null: none. */
  readonly scans: Scans | null;
  readonly tally: Tally;
  /** What closed sockets of all sessions may still have to deliver, bytes. */
  readonly lingering: Budget;
  /** Bytes by which the credit of all sessions may have grown. */
  readonly growing: Budget;
}

/** `buffers`: the session's memory. `route`: the way to its client. */
export function createContext(voice: Voice, buffers: ReadBuffers, route: Route, means: Means): Context {
  const { limits, clock, gate, names, sockets, scans, tally } = means;
  const send = new SendPool(limits.download);
  const bulkLimit = new BulkLimit(send, route);
  const receive = new ReceivePool(limits.upload);
  const lingering = new Budget(limits.upload, means.lingering);
  const table = new SocketTable(limits.sockets, () => tally.limits.add('sockets'));
  return {
    voice,
    table,
    streams: new Streams({
      voice,
      buffers,
      send,
      bulkLimit,
      receive,
      lingering,
      adopt: (create) => table.adopt(create),
      forget: (stream) => table.remove(stream),
      mayArrive: (peer) => gate.allows({ name: 'accept', at: peer }),
      shown: (local) => gate.localName(local),
    }),
    requests: new Requests(voice, limits.requests, () => tally.limits.add('requests')),
    leases: new Leases(voice, sockets, gate, means.leases),
    send,
    bulkLimit,
    credit: new Credit({
      voice,
      clock,
      send,
      receive,
      lingering,
      budget: means.growing,
      reached: () => tally.limits.add('grownBytes'),
    }),
    gate,
    names,
    lookups: new Turnstile(LOOKUPS),
    sockets,
    maxBacklog: limits.backlog,
    scans,
    connectSeconds: limits.connectSeconds,
    tally,
    waiting: { bytes: 0 },
  };
}
