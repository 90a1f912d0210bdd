/** Sessions for who cannot wait: with leased ports, names that are remembered, and both there from the start. */
import type { Channel } from '../core/channel.ts';
import { type ConnectOptions, openSession, type Session } from './connect.ts';
import { NameCache } from './name-cache.ts';

/** Ephemeral ports that the relay holds for this page, of each kind (TCP, UDP) and family (IPv4, IPv6). */
const LEASES = 4;

/** As openSession; the channel's answers that need no waiting are there when it resolves. */
export async function openImpatientSession(url: string, options: ConnectOptions): Promise<Session> {
  const session = await openSession(url, options, LEASES);
  const channel = new NameCache(session.channel);
  await primed(channel);
  return { channel, relay: session.relay, close: () => session.close() };
}

/** The first answer of the relay: its leases came before it, and so they are here when the program begins. */
function primed(channel: Channel): Promise<void> {
  const hostname = channel.hostname();
  return new Promise((resolve) => {
    hostname.subscribe(resolve);
    if (hostname.settled) resolve();
  });
}
