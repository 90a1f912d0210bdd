/** The gate remembers what has passed, and nothing more than that. */
import { expect, it } from 'vitest';
import { Gate } from '../src/gate.ts';
import { type Claims, NO_CLAIMS } from '../src/policy/claims.ts';
import type { Operation } from '../src/policy/policy.ts';

const NET = [{ net: '198.51.100.0/24', ports: [7000, 7000] as const }];
const CLAIMS: Claims = { ...NO_CLAIMS, connect: { tcp: NET, udp: [] } };
const AROUND = { ownPorts: [], ownAddresses: [], services: [] };
const to = (kind: 'tcp' | 'udp', address: string, port: number, scope?: number) =>
  ({ name: 'connect', kind, at: { family: 4, address, port, ...(scope === undefined ? {} : { scope }) } }) as const;

it('lets a destination pass again, and no other for its sake', () => {
  const denied: Operation[] = [];
  const gate = new Gate(CLAIMS, AROUND, (operation) => denied.push(operation));
  const peer = to('tcp', '198.51.100.7', 7000);
  for (let i = 0; i < 3; i++) gate.passDestination(peer);
  for (const other of [
    to('udp', '198.51.100.7', 7000),
    to('tcp', '198.51.100.7', 7001),
    to('tcp', '198.51.101.7', 7000),
    to('tcp', '198.51.100.7', 7000, 2),
    { name: 'sendto', at: peer.at } as const,
  ]) {
    for (let i = 0; i < 2; i++) expect(() => gate.passDestination(other)).toThrow('EACCES');
  }
  expect(denied).toHaveLength(10);
});

it('judges each session by its own claims', () => {
  const gate = new Gate(CLAIMS, AROUND, () => {});
  const stranger = new Gate(NO_CLAIMS, AROUND, () => {});
  gate.passDestination(to('tcp', '198.51.100.7', 7000));
  expect(() => stranger.passDestination(to('tcp', '198.51.100.7', 7000))).toThrow('EACCES');
});
