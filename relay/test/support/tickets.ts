/** Keys and tickets for tests. */

import { importJWK, type JWK } from 'jose';
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

/** A key, and tickets that it has signed. */
export interface Key {
  readonly publicKey: JWK;
  ticket(): Promise<string>;
}

export async function newKey(kid: string): Promise<Key> {
  const { publicKey, privateKey } = await generateKeys(kid);
  const key = { kid, key: (await importJWK(privateKey, 'EdDSA')) as CryptoKey };
  const now = () => Date.now() / 1000;
  const terms = { subject: 'player', audience: 'luasocket-relay', now: now(), seconds: 60, claims: {} };
  return { publicKey, ticket: () => mint(key, terms) };
}

/** What a ticket of this key gets: `welcome`, or the fault. */
export async function knock(relay: Pick<Relay, 'address'>, key: Key, origin = ORIGIN): Promise<[string, RawClient]> {
  const client = await RawClient.dial(relay, { origin });
  client.send({ type: 'hello', version: 1, ticket: await key.ticket(), leases: 0 });
  const answer = await Promise.race([client.next('welcome'), client.next('fault')]);
  return [answer.type === 'fault' ? answer.code : answer.type, client];
}
