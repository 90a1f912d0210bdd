/** keygen, ticket and check: what they print, and with what they exit. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { isCommand, runCommand } from '../src/commands/index.ts';
import { startNameServer } from './support/name-server.ts';

const CASES = fileURLToPath(new URL('./policy/cases.json', import.meta.url));
const run = (...args: string[]) => runCommand(args, { environment: {}, directory, now: () => Date.now() / 1000 });

let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'commands-'));
  writeFileSync(join(directory, 'keys.json'), (await run('keygen', '--kid', 'one')).out);
  return () => rmSync(directory, { recursive: true });
});

test('other words are left to the relay', () => {
  expect([isCommand(['check']), isCommand(['--listen']), isCommand([])]).toEqual([true, false, false]);
});

describe('keygen', () => {
  test('prints a pair of Ed25519 keys, the private half apart', async () => {
    const { exit, out } = await run('keygen');
    const { publicKey, privateKey } = JSON.parse(out);
    expect(exit).toBe(0);
    expect(publicKey).toMatchObject({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', kid: privateKey.kid });
    expect(publicKey.d).toBeUndefined();
    expect(privateKey.d).toBeTypeOf('string');
  });
});

describe('ticket', () => {
  test('prints the token alone, with the claims it was told', async () => {
    const flags = ['--tcp', '127.0.0.0/8:7000-7999', '--listen', '--sockets', '5', '--max-session', '60'];
    const { exit, out, error } = await run('ticket', '--key', 'keys.json', '--sub', 'anna', ...flags);
    expect([exit, error]).toEqual([0, '']);
    expect(out).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    expect(decodeProtectedHeader(out)).toMatchObject({ alg: 'EdDSA', kid: 'one' });
    expect(decodeJwt(out.trim())).toMatchObject({
      sub: 'anna',
      aud: 'luasocket-relay',
      net: { tcp: ['127.0.0.0/8:7000-7999'], listen: true },
      quota: { sockets: 5 },
      maxSession: 60,
    });
  });

  test('every ticket has an id of its own', async () => {
    const ids = [await run('ticket', '--key', 'keys.json'), await run('ticket', '--key', 'keys.json')];
    expect(new Set(ids.map(({ out }) => decodeJwt(out.trim()).jti)).size).toBe(2);
  });

  test('claims as JSON', async () => {
    const { out } = await run('ticket', '--key', 'keys.json', '--claims', '{"net":{"dns":false},"resume":120}');
    expect(decodeJwt(out.trim())).toMatchObject({ net: { dns: false }, resume: 120 });
  });

  test.each([
    ['a key that is not there', 1, ['--key', 'nowhere.json']],
    ['no key', 2, []],
    ['a claim that no relay reads', 2, ['--key', 'keys.json', '--tcp', '127.1:80']],
    ['names that can never be looked up', 2, ['--key', 'keys.json', '--dns', 'game.example', 'no name']],
    ['a claim there is not', 1, ['--key', 'keys.json', '--claims', '{"net":{"everything":true}}']],
    ['no JSON', 2, ['--key', 'keys.json', '--claims', '{']],
    ['a claim for longer than relays take', 2, ['--key', 'keys.json', '--seconds', '86401']],
    ['no number', 2, ['--key', 'keys.json', '--sockets', 'many']],
    ['a flag there is not', 2, ['--key', 'keys.json', '--fly']],
  ])('%s exits with %i', async (_what, exit, flags) => {
    const outcome = await run('ticket', ...flags);
    expect(outcome.exit).toBe(exit);
    expect(outcome.out).toBe('');
    expect(outcome.error).not.toBe('');
  });
});

describe('check --cases', () => {
  test('all are judged as expected', async () => {
    const { exit, out } = await run('check', '--mode', 'public', '--cases', CASES);
    expect({ exit, out }).toEqual({ exit: 0, out: '184 passed, 0 failed\n' });
  });

  test('prints each miss, and fails', async () => {
    const file = join(directory, 'wrong.json');
    const one = { id: 'loop', op: 'tcp.connect|udp.sendto', input: { host: '127.0.0.1', port: 7777 }, expect: 'allow' };
    writeFileSync(file, JSON.stringify({ cases: [one, { ...one, id: 'right', expect: 'deny' }] }));
    const { exit, out } = await run('check', '--mode', 'public', '--cases', 'wrong.json');
    expect(exit).toBe(1);
    expect(out.split('\n')).toEqual([
      'loop (tcp.connect): expected allow, got deny: loopback',
      'loop (udp.sendto): expected allow, got deny: loopback',
      '1 passed, 1 failed',
      '',
    ]);
  });

  test('a file that is none exits with 1', async () => {
    const { exit, error } = await run('check', '--cases', 'nowhere.json');
    expect(exit).toBe(1);
    expect(error).toContain('--cases: ENOENT');
  });

  test('a list of nothing exits with 1, for it shows nothing', async () => {
    writeFileSync(join(directory, 'empty.json'), '{"cases": []}');
    const { exit, error } = await run('check', '--cases', 'empty.json');
    expect(exit).toBe(1);
    expect(error).toContain('--cases: no cases');
  });
});

describe('check tcp HOST:PORT', () => {
  test.each([
    ['93.184.216.34:443', 'allow'],
    ['93.184.216.34:25', 'deny: a port below 1024'],
    ['93.184.216.34:5432', 'deny: the port of PostgreSQL'],
    ['127.0.0.1:80', 'deny: loopback'],
    ['127.1:80', 'deny: neither an address nor a name'],
    ['[2606:4700:4700::1111]:443', 'allow'],
    ['2606:4700:4700::1111:443', 'allow'],
    ['localhost:80', 'deny: a name of a single label'],
  ])('%s: %s', async (destination, verdict) => {
    const { exit, out } = await run('check', 'tcp', destination);
    expect(out).toBe(`tcp ${destination}: ${verdict}\n`);
    expect(exit).toBe(verdict === 'allow' ? 0 : 1);
  });

  test('names, with every answer', async () => {
    const server = await startNameServer(({ type, name }) => {
      if (type !== 'A') return [];
      const data = name.startsWith('bad') ? ['93.184.216.34', '10.0.0.1'] : ['93.184.216.34'];
      return data.map((address) => ({ type: 'A' as const, name, data: address }));
    });
    const good = await run('check', 'udp', 'good.example:7777', '--dns-server', server.address);
    expect(good.out).toBe('good.example is 93.184.216.34\nudp good.example:7777: allow\n');
    const bad = await run('check', 'tcp', 'bad.example:7777', '--dns-server', server.address);
    expect(bad.out).toContain('tcp bad.example:7777: deny: an answer of the name: private\n');
    const asked = server.asked.length;
    await run('check', 'tcp', 'printer.local:7777', '--dns-server', server.address);
    expect(server.asked).toHaveLength(asked);
  });

  test('with a ticket, whose signature is checked if there is a key', async () => {
    const { out: token } = await run('ticket', '--key', 'keys.json', '--tcp', '127.0.0.1:7000');
    const ticket = ['--ticket', token.trim()];
    const loose = await run('check', 'tcp', '127.0.0.1:7000', ...ticket);
    expect(loose.out).toContain('signature was not checked');
    expect(loose.exit).toBe(0);
    const checked = await run('check', 'tcp', '127.0.0.1:7000', ...ticket, '--ticket-keys', 'keys.json');
    expect(checked.out).toBe('tcp 127.0.0.1:7000: allow\n');
    expect((await run('check', 'tcp', '127.0.0.1:7001', ...ticket)).out).toContain('deny: no claim for this port');
    expect((await run('check', 'tcp', '93.184.216.34:443', ...ticket)).exit).toBe(1);

    writeFileSync(join(directory, 'others.json'), (await run('keygen', '--kid', 'one')).out);
    onTestFinished(() => rmSync(join(directory, 'others.json')));
    const forged = await run('check', 'tcp', '127.0.0.1:7000', ...ticket, '--ticket-keys', 'others.json');
    expect([forged.exit, forged.out]).toEqual([1, '']);
    expect(forged.error).toContain('--ticket: the ticket is not valid (signature verification failed)');
  });

  test.each([[['check']], [['check', 'tcp']], [['check', 'sctp', '1.1.1.1:80']], [['check', 'tcp', '1.1.1.1']]])(
    '%j is wrong use',
    async (args) => {
      const { exit, error } = await run(...args);
      expect(exit).toBe(2);
      expect(error).not.toBe('');
    },
  );

  test.each([
    [1, '--ticket: Invalid JWT', ['--ticket', 'x']],
    [1, '--ticket: sub: ', ['--ticket', 'e30.e30.e30']],
    [2, '--ticket-keys: of no use without --ticket', ['--ticket-keys', 'keys.json']],
    [2, '--ticket-keys: ', ['--ticket', 'x', '--ticket-keys', 'nowhere.json']],
  ])('exits with %i: %s', async (exit, text, flags) => {
    const outcome = await run('check', 'tcp', '127.0.0.1:80', ...flags);
    expect(outcome.exit).toBe(exit);
    expect(outcome.error).toContain(text);
  });
});
