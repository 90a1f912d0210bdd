/**
 * No host, however it is written, and no answer of a name server leads a stranger anywhere but to public addresses. How many
 * are tried: HOSTS (default 5,000); a million with `HOSTS=1000000 npx vitest run relay/test/policy/hosts.test.ts`.
 */
import type { Endpoint } from '@luasocket-web/shared/address';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { missesOf } from '../../src/policy/cases.ts';
import { judge } from '../../src/policy/policy.ts';
import { PUBLIC } from '../../src/policy/public.ts';
import { answers, hosts, isPublicNaively } from './hosts.ts';

const AROUND = { ownPorts: [8080], ownAddresses: ['127.0.0.1', '10.1.2.3'], services: [] };
const RUNS = Number(process.env.HOSTS ?? 5000);
/** Enough for a million on a busy machine. */
const MILLISECONDS = 600_000;
const OPS = 'tcp.connect|udp.sendto|dns.toip';

test(
  'hosts and answers',
  () => {
    let allowed = 0;
    fc.assert(
      fc.property(hosts, answers, (host, found) => {
        const resolverAnswers = found.map((data) => [data.includes(':') ? 'AAAA' : 'A', data]);
        const one = { id: host, op: OPS, input: { host, port: 7777, resolverAnswers }, expect: 'deny' } as const;
        if (missesOf(one, PUBLIC, AROUND).length === 0) return;
        allowed++;
        // An address leads to itself, a name to its answers, of which each must be public.
        const isAddress = /^[0-9.]+$|:/.test(host);
        for (const address of isAddress ? [host] : found)
          expect(isPublicNaively(address), `${host} ${address}`).toBe(true);
        // What resolvers in use would read as a number is no name.
        if (!isAddress) expect(host).toMatch(/^[a-zA-Z0-9.-]+\.[a-zA-Z][a-zA-Z0-9-]*\.?$/);
      }),
      { numRuns: RUNS },
    );
    // A policy that denies everything would have passed.
    expect(allowed).toBeGreaterThan(RUNS / 100);
  },
  MILLISECONDS,
);

test(
  'what is public is not denied',
  () => {
    fc.assert(
      fc.property(answers, ([address = '']) => {
        fc.pre(isPublicNaively(address));
        const at: Endpoint = { family: address.includes(':') ? 6 : 4, address, port: 7777 };
        const denial = judge(PUBLIC, { name: 'connect', kind: 'tcp', at }, AROUND);
        // Networks that are public by their numbers and serve no game: the oracle does not know them.
        if (denial !== null) expect(['AS112', 'AMT', '6bone, withdrawn', 'an IPv4 address, ISATAP']).toContain(denial);
      }),
      { numRuns: RUNS / 10 },
    );
  },
  MILLISECONDS,
);
