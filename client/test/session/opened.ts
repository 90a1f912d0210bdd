/** A session over the relay in miniature, as tests of the connection begin with. */
import { expect } from 'vitest';
import type { RelayState } from '../../src/api.ts';
import type { Stream } from '../../src/core/channel.ts';
import { type Session, sessionOver } from '../../src/session/connect.ts';
import { PEER } from './scripted.ts';
import { MiniatureRelay, VirtualHost } from './virtual.ts';

export function begin(bend: (relay: MiniatureRelay, host: VirtualHost) => void = () => {}) {
  const host = new VirtualHost();
  const relay = new MiniatureRelay(host);
  bend(relay, host);
  const states: RelayState[] = [];
  const end: { error?: Error | null } = {};
  let session: Session | null = null;
  const connection = sessionOver(relay.open, 'the ticket', host, {
    opened: (opened) => {
      session = opened;
      opened.relay.on('state', (state) => states.push(state));
    },
    ended: (error) => {
      end.error = error;
    },
  });
  connection.start();
  return {
    host,
    relay,
    connection,
    states,
    end,
    get session(): Session {
      if (!session) throw new Error('not open');
      return session;
    },
    get opened(): boolean {
      return session !== null;
    },
  };
}

export async function opened(bend?: (relay: MiniatureRelay, host: VirtualHost) => void) {
  const all = begin(bend);
  await all.host.advance(100);
  expect(all.states).toEqual(['connected']);
  return all;
}

export async function connectedStream({ session, host }: Awaited<ReturnType<typeof opened>>): Promise<Stream> {
  const stream = session.channel.tcp(4) as Stream;
  stream.connect(PEER);
  await host.advance(50);
  expect(stream.established).toBe(true);
  return stream;
}
