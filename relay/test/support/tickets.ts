/** Keys and tickets for tests. */

import { importJWK } from 'jose';
import type { Relay, RelayConfig } from 'luasocket-relay';
import { generateKeys } from '../../src/tickets/keys.ts';
import { mint } from '../../src/tickets/mint.ts';
import { RawClient } from './client.ts';
import { startRelay } from './relay.ts';

export const ORIGIN = 'https://game.example';

export type Mint = (claims?: { readonly [name: string]: unknown }, subject?: string) => Promise<string>;

/** A relay in public mode, and who mints its tickets. */
export async function startPublicRelay(config: RelayConfig = {}): Promise<{ relay: Relay; ticket: Mint }> {
  const { publicKey, privateKey } = await generateKeys('test');
  const relay = await startRelay({ mode: 'public', origins: [ORIGIN], ticketKeys: [publicKey], ...config });
  const key = { kid: 'test', key: (await importJWK(privateKey, 'EdDSA')) as CryptoKey };
  const now = () => Date.now() / 1000;
  return {
    relay,
    ticket: (claims = {}, subject = 'player') =>
      mint(key, { subject, audience: 'luasocket-relay', now: now(), seconds: 60, claims }),
  };
}

/** A client with a session of a public relay. */
export async function connectWith(relay: Relay, ticket: string): Promise<RawClient> {
  const client = await RawClient.dial(relay, { origin: ORIGIN });
  client.send({ type: 'hello', version: 1, ticket, leases: 0 });
  await client.next('welcome');
  return client;
}
