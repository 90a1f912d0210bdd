/** The relay's numbers for Prometheus (GET /metrics). Reads them when it is asked; nothing is measured here but the loop. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Counts, Tally } from './tally.ts';

/** What is there now. */
export interface Present {
  readonly sessions: { readonly attached: number; readonly detached: number };
  readonly sockets: { readonly tcp: number; readonly udp: number };
  readonly connections: number;
  /** WebSockets without a session. */
  readonly handshakes: number;
  readonly keptBytes: number;
  /** Bytes by which the credit of sessions has grown. */
  readonly grownBytes: number;
  /** Whether Redis can be asked; null: there is none. */
  readonly redis: boolean | null;
}

export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
}

/** How often it is looked how late the loop is. prom-client's 10 ms wake a relay that has nothing to do a hundred times a second. */
const LOOP_MILLISECONDS = 100;

const PREFIX = 'luasocket_relay_';

export function createMetrics(tally: Tally, present: () => Present): Metrics {
  const registry = new Registry();
  const registers = [registry];
  // The process: memory, descriptors, garbage, and how late the event loop is.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_MILLISECONDS });

  const gauge = (name: string, help: string, label: string, values: (now: Present) => { [of: string]: number }) =>
    new Gauge({
      name: PREFIX + name,
      help,
      labelNames: [label],
      registers,
      collect() {
        for (const [of, value] of Object.entries(values(present()))) this.set({ [label]: of }, value);
      },
    });
  gauge('sessions', 'Sessions, by whether they have a WebSocket now', 'state', ({ sessions }) => ({ ...sessions }));
  gauge('sockets', 'Sockets of all sessions', 'kind', ({ sockets }) => ({ ...sockets }));
  new Gauge({
    name: `${PREFIX}websockets`,
    help: 'WebSockets that are open',
    registers,
    collect() {
      this.set(present().connections);
    },
  });
  new Gauge({
    name: `${PREFIX}handshakes`,
    help: 'WebSockets that are open and belong to no session yet',
    registers,
    collect() {
      this.set(present().handshakes);
    },
  });
  new Gauge({
    name: `${PREFIX}kept_bytes`,
    help: 'Bytes kept for clients: unacknowledged, or without credit',
    registers,
    collect() {
      this.set(present().keptBytes);
    },
  });
  new Gauge({
    name: `${PREFIX}grown_bytes`,
    help: 'Bytes by which the credit of sessions has grown, for clients that are far away',
    registers,
    collect() {
      this.set(present().grownBytes);
    },
  });

  if (present().redis !== null) {
    new Gauge({
      name: `${PREFIX}redis_up`,
      help: 'Whether Redis can be asked; while it cannot, tickets are refused',
      registers,
      collect() {
        this.set(present().redis ? 1 : 0);
      },
    });
  }

  const counter = (name: string, help: string, label: string, counts: Counts) =>
    new Counter({
      name: `${PREFIX}${name}_total`,
      help,
      labelNames: [label],
      registers,
      collect() {
        this.reset();
        for (const [of, count] of counts) this.inc({ [label]: of }, count);
      },
    });
  counter('session_events', 'Sessions begun, resumed and ended, and those refused', 'event', tally.sessions);
  counter('denials', 'Operations that the policy denied', 'reason', tally.denials);
  counter('limits_reached', 'What a limit refused', 'limit', tally.limits);
  counter('faults', 'Faults that clients were told', 'fault', tally.faults);
  counter('datagrams_dropped', 'Datagrams from peers that were not passed on', 'reason', tally.dropped);
  counter('store_failures', 'What Redis was asked about and did not answer', 'about', tally.storeFailures);
  new Counter({
    name: `${PREFIX}bytes_total`,
    help: 'Payload from peers (in) and to them (out)',
    labelNames: ['kind', 'direction'],
    registers,
    collect() {
      this.reset();
      for (const kind of ['tcp', 'udp'] as const) {
        for (const direction of ['in', 'out'] as const) this.inc({ kind, direction }, tally.bytes[kind][direction]);
      }
    },
  });
  return { contentType: registry.contentType, text: () => registry.metrics() };
}
