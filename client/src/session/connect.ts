/** Puts a session together: transport, connection, sockets and status; and hands it out once the relay has welcomed it. */
import type { RelayStatus, WebSocketConstructor } from '../api.ts';
import type { Channel } from '../core/channel.ts';
import type { OpenTransport } from '../transport/transport.ts';
import { webSocketTransport } from '../transport/websocket.ts';
import { Connection } from './connection.ts';
import { type Host, systemHost } from './host.ts';
import { Multiplexer } from './multiplexer.ts';
import { SessionChannel } from './session.ts';
import { Status } from './status.ts';

export interface ConnectOptions {
  /** The ticket that a public relay asks for. */
  ticket?: string;
  /** The WebSocket class, where there is no global one. */
  WebSocket?: WebSocketConstructor;
  /** Gives up connecting, and closes the session later. */
  signal?: AbortSignal;
}

export interface Session {
  readonly channel: Channel;
  readonly relay: RelayStatus;
  /** Closes all sockets and the connection in good order. */
  close(): void;
}

/**
 * Connects to the relay at `url` (ws: or wss:). `leases`: ephemeral ports to hold in advance, of each kind and family.
 * Rejects with an Error that says why when the relay cannot be reached or refuses, and with the signal's reason when
 * it was aborted.
 */
export function openSession(url: string, options: ConnectOptions, leases = 0): Promise<Session> {
  return new Promise((resolve, reject) => {
    const { signal } = options;
    signal?.throwIfAborted();
    const WebSocket = options.WebSocket ?? (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
    if (!WebSocket) throw new Error('there is no WebSocket here: pass a class as options.WebSocket');
    const { ticket = null } = options;
    if (ticket !== null && typeof ticket !== 'string') throw new TypeError('options.ticket must be a string');
    let opened: Session | null = null;
    const fail = (error: unknown) => {
      signal?.removeEventListener('abort', abort);
      // Without effect once it has opened.
      reject(
        new Error(`cannot connect to ${url}: ${error instanceof Error ? error.message : error}`, { cause: error }),
      );
    };
    const events: SessionEvents = {
      opened: (session) => {
        opened = session;
        resolve(session);
      },
      ended: (error) => fail(error ?? 'it was closed'),
    };
    const transport = webSocketTransport(url, WebSocket);
    const connection = sessionOver(transport, ticket, systemHost(), events, leases);
    const abort = () => {
      reject(signal?.reason);
      (opened ?? connection).close();
    };
    signal?.addEventListener('abort', abort);
    try {
      connection.start();
    } catch (error) {
      fail(error);
    }
  });
}

export interface SessionEvents {
  /** The relay has welcomed us. */
  opened(session: Session): void;
  /** The last event; why it was lost, or null when it was closed in good order. */
  ended(error: Error | null): void;
}

/** A session over any transport, on any host; to be started. `leases`: ephemeral ports to hold, of each kind and family. */
export function sessionOver(
  open: OpenTransport,
  ticket: string | null,
  host: Host,
  events: SessionEvents,
  leases = 0,
): Connection {
  let sockets: Multiplexer | null = null;
  const close = () => {
    sockets?.closeAll();
    connection.close();
  };
  const status = new Status({
    get state() {
      return connection.state;
    },
    stats: () => ({
      ...connection.traffic,
      sockets: sockets?.size ?? 0,
      resumes: connection.resumes,
      roundtrip: connection.roundtrip,
    }),
    sockets: () => sockets?.snapshots() ?? [],
    wall: () => host.wall(),
    report: (error) => host.report(error),
    close,
  });
  const connection: Connection = new Connection({
    open,
    host,
    ticket,
    leases,
    tap: status,
    events: {
      welcomed: (welcome) => {
        sockets = new Multiplexer(welcome, connection, status, leases, connection);
        events.opened({ channel: new SessionChannel(sockets, connection), relay: status, close });
      },
      delivered: ({ frames }) => sockets?.take(frames),
      changed: (state) => {
        if (state === 'reconnecting') sockets?.detach();
        else if (state === 'connected') sockets?.attach();
        status.changed(state);
      },
      resumed: () => status.resumed(),
      ended: (error) => {
        status.reason = error?.message ?? null;
        sockets?.end();
        events.ended(error);
      },
    },
  });
  return connection;
}
