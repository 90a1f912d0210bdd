/** The policy as a function, and the gate's order of precedence. */
import { networkInterfaces } from 'node:os';
import type { Endpoint } from '@luasocket-web/shared/address';
import { describe, expect, test } from 'vitest';
import { Gate } from '../src/gate.ts';
import { type Claims, NO_CLAIMS } from '../src/policy/claims.ts';
import { DEVELOPMENT } from '../src/policy/development.ts';
import { judge, type Operation } from '../src/policy/policy.ts';
import { PUBLIC } from '../src/policy/public.ts';
import { claimsOf } from '../src/tickets/claims.ts';

const OWN = { ownPorts: [8080], ownAddresses: [], services: [] };
const at = (address: string, port = 9): Endpoint => ({ family: address.includes(':') ? 6 : 4, address, port });
/** What is thrown, whether the client is told why or not. */
const DENIED = expect.objectContaining({ name: 'SystemFailure', code: 'EACCES' });
const allowed = (operation: Operation) => judge(DEVELOPMENT, operation, OWN) === null;

describe('development', () => {
  test.each(['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '0.0.0.0', '::', '::ffff:0.0.0.0'])(
    'reaches this machine at %s',
    (address) => {
      expect(allowed({ name: 'connect', kind: 'tcp', at: at(address) })).toBe(true);
      expect(allowed({ name: 'connect', kind: 'udp', at: at(address) })).toBe(true);
      expect(allowed({ name: 'sendto', at: at(address) })).toBe(true);
      expect(allowed({ name: 'bind', kind: 'tcp', at: at(address) })).toBe(true);
      expect(allowed({ name: 'listen', at: at(address) })).toBe(true);
    },
  );

  test.each(['10.0.0.1', '192.168.1.1', '169.254.169.254', '8.8.8.8', '126.255.255.255', '128.0.0.0', '2001:db8::1'])(
    'does not reach %s',
    (address) => {
      expect(allowed({ name: 'connect', kind: 'tcp', at: at(address) })).toBe(false);
      expect(allowed({ name: 'connect', kind: 'udp', at: at(address) })).toBe(false);
      expect(allowed({ name: 'sendto', at: at(address) })).toBe(false);
      expect(allowed({ name: 'bind', kind: 'udp', at: at(address) })).toBe(false);
    },
  );

  test.each(['fe80::1', '::ffff:10.0.0.1', '::127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::'])(
    'does not take %s for this machine',
    (address) => expect(allowed({ name: 'connect', kind: 'tcp', at: at(address) })).toBe(false),
  );

  test.each(['224.0.0.251', '239.255.255.250', 'ff02::1', '255.255.255.255', '127.255.255.255'])(
    'sends datagrams to %s',
    (address) => expect(allowed({ name: 'sendto', at: at(address) })).toBe(true),
  );

  test.each(['127.0.0.1', '0.0.0.0', '127.0.0.2', '::ffff:127.0.0.1'])(
    'denies the relay’s own port at %s',
    (address) => {
      expect(allowed({ name: 'connect', kind: 'tcp', at: at(address, 8080) })).toBe(false);
      expect(allowed({ name: 'connect', kind: 'udp', at: at(address, 8080) })).toBe(true);
    },
  );

  test('grants look-ups and groups', () => {
    expect(allowed({ name: 'resolve', host: '127.1' })).toBe(true);
    expect(allowed({ name: 'reverse', address: '10.0.0.1' })).toBe(true);
    expect(allowed({ name: 'join', group: '239.1.2.3' })).toBe(true);
  });
});

describe('no claims', () => {
  test.each<Operation>([
    { name: 'open', kind: 'tcp' },
    { name: 'open', kind: 'udp' },
    { name: 'connect', kind: 'tcp', at: at('93.184.216.34', 443) },
    { name: 'connect', kind: 'tcp', at: at('127.0.0.1') },
    { name: 'bind', kind: 'udp', at: at('0.0.0.0', 0) },
    { name: 'listen', at: at('0.0.0.0', 0) },
    { name: 'sendto', at: at('93.184.216.34') },
    { name: 'join', group: '239.1.2.3' },
    { name: 'resolve', host: '127.1' },
    { name: 'reverse', address: '127.0.0.1' },
  ])('deny $name', (operation) => expect(judge(NO_CLAIMS, operation, OWN)).not.toBeNull());
});

test('claims are judged with their ports', () => {
  const tcp = [{ net: '203.0.113.0/24', ports: [7000, 7999] as const }];
  const claims = { ...NO_CLAIMS, connect: { tcp, udp: [] } };
  const verdict = (address: string, port: number) =>
    judge(claims, { name: 'connect', kind: 'tcp', at: at(address, port) }, OWN) === null;
  expect([verdict('203.0.113.9', 7000), verdict('203.0.113.9', 7999)]).toEqual([true, true]);
  expect([verdict('203.0.113.9', 6999), verdict('203.0.113.9', 8000)]).toEqual([false, false]);
  expect(verdict('::ffff:203.0.113.9', 7000)).toBe(false);
});

describe('the gate', () => {
  const denials: string[] = [];
  const gate = new Gate(DEVELOPMENT, OWN, (operation) => denials.push(operation.name));

  test('leaves the refusal of an address that is not this machine’s to the kernel', () => {
    expect(() => gate.pass({ name: 'bind', kind: 'tcp', at: at('203.0.113.77', 0) })).not.toThrow();
    expect(() => gate.pass({ name: 'connect', kind: 'tcp', at: at('203.0.113.77') })).toThrow(DENIED);
    expect(denials).toEqual(['connect']);
  });

  test('keeps sessions off this machine’s other addresses', () => {
    const others = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).filter(({ internal }) => !internal));
    for (const { address } of others) {
      expect(() => gate.pass({ name: 'bind', kind: 'tcp', at: at(address, 0) })).toThrow(DENIED);
    }
    const strict = new Gate(NO_CLAIMS, OWN, () => {});
    expect(() => strict.pass({ name: 'bind', kind: 'tcp', at: at('203.0.113.77', 0) })).toThrow('EACCES');
  });

  test('says why, where the claims let it: with the address, and never otherwise', () => {
    const told = (claims: Claims, operation: Operation): unknown => {
      try {
        new Gate(claims, OWN, () => {}).pass(operation);
      } catch (error) {
        return (error as { detail?: string }).detail;
      }
      return 'allowed';
    };
    const elsewhere = 'development mode reaches this machine only';
    const tcp = (address: string, port: number): Operation => ({ name: 'connect', kind: 'tcp', at: at(address, port) });
    expect(told(DEVELOPMENT, tcp('192.0.2.1', 80))).toBe(`connect 192.0.2.1:80: ${elsewhere}`);
    expect(told(DEVELOPMENT, { name: 'sendto', at: at('2001:db8::1') })).toBe(`sendto [2001:db8::1]:9: ${elsewhere}`);
    expect(told(DEVELOPMENT, tcp('127.0.0.1', 8080))).toBe('connect 127.0.0.1:8080: the relay’s own port');
    expect(told(DEVELOPMENT, { name: 'join', group: 'no address' })).toBe('join: not an address');
    expect(told(PUBLIC, tcp('127.0.0.1', 80))).toBeUndefined();
    expect(told(claimsOf({ net: { tcp: [] } }), { name: 'resolve', host: 'localhost' })).toBeUndefined();
  });

  test('asks about groups that are joined', () => {
    const strict = new Gate(NO_CLAIMS, OWN, () => {});
    const value = { multiaddr: '239.1.2.3', interface: '*' };
    expect(() => strict.option('ip-add-membership', value)).toThrow('EACCES');
    expect(() => strict.option('ip-drop-membership', value)).not.toThrow();
    expect(() => gate.option('ip-add-membership', value)).not.toThrow();
  });
});
