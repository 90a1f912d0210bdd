/** Settings: where they come from, which wins, and that a wrong one names itself. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseCommand } from '../src/command.ts';
import { ConfigError, complete, parseListen } from '../src/config.ts';
import { settings } from '../src/settings.ts';

function jsonFile(content: unknown): string {
  const directory = mkdtempSync(join(tmpdir(), 'relay-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'relay.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

function run(args: readonly string[], environment: Record<string, string> = {}) {
  const invocation = parseCommand(args, environment, '1.2.3');
  if (!('run' in invocation)) throw new Error(invocation.error || invocation.out);
  return invocation.run;
}

function exit(args: readonly string[], environment: Record<string, string> = {}) {
  const invocation = parseCommand(args, environment, '1.2.3');
  if ('run' in invocation) throw new Error('it would run');
  return invocation;
}

describe('precedence', () => {
  test('flags over the environment over the file over defaults', () => {
    const file = jsonFile({ listen: '127.0.0.1:1', limits: { sockets: 1, sessions: 1, backlog: 1 } });
    const config = run(['--config', file, '--limits-sockets', '3'], {
      LUASOCKET_RELAY_LIMITS_SOCKETS: '2',
      LUASOCKET_RELAY_LIMITS_SESSIONS: '2',
    });
    expect(config.listen).toEqual({ host: '127.0.0.1', port: 1 });
    expect(config.limits).toMatchObject({ sockets: 3, sessions: 2, backlog: 1, requests: 4096 });
  });

  test('the file can be named in the environment', () => {
    const file = jsonFile({ listen: '[::1]:7' });
    expect(run([], { LUASOCKET_RELAY_CONFIG: file }).listen).toEqual({ host: '::1', port: 7 });
  });

  test('lists, booleans and texts from each source', () => {
    const origins = ['https://a.example', 'https://b.example'];
    expect(run(['--origins', origins.join(',')]).origins).toEqual(origins);
    expect(run([], { LUASOCKET_RELAY_ORIGINS: origins.join(', ') }).origins).toEqual(origins);
    expect(run(['--config', jsonFile({ origins })]).origins).toEqual(origins);
    expect(run(['--practice']).practice).toBe(true);
    expect(run([], { LUASOCKET_RELAY_PRACTICE: 'true' }).practice).toBe(true);
    expect(run([], { LUASOCKET_RELAY_PRACTICE: '0' }).practice).toBe(false);
    expect(run(['--hostname', 'arcade']).hostname).toBe('arcade');
  });

  test('nothing set: development on loopback, port 8080', () => {
    expect(run([])).toMatchObject({ listen: { host: '127.0.0.1', port: 8080 }, mode: 'development', practice: false });
  });
});

describe('what is wrong names itself, and the command exits with 2', () => {
  const file = jsonFile;
  test.each([
    [['--limits-sockets', 'many'], {}, '--limits-sockets'],
    [['--limits-sockets', '0'], {}, '--limits-sockets'],
    [['--listen', 'nowhere'], {}, '--listen'],
    [['--listen', '127.0.0.1:70000'], {}, '--listen'],
    [['--mode', 'open'], {}, '--mode'],
    [['--origins', 'https://a.example/path'], {}, '--origins'],
    [['--dns-server', 'ns.example'], {}, '--dns-server'],
    [['--bogus'], {}, '--bogus'],
    [['extra'], {}, 'extra'],
    [[], { LUASOCKET_RELAY_LIMITS_SOCKETS: '-1' }, 'LUASOCKET_RELAY_LIMITS_SOCKETS'],
    [[], { LUASOCKET_RELAY_PRACTICE: 'perhaps' }, 'LUASOCKET_RELAY_PRACTICE'],
    [[], { LUASOCKET_RELAY_TYPO: '1' }, 'LUASOCKET_RELAY_TYPO'],
    [['--limits-dead-seconds', '1', '--limits-ping-seconds', '2'], {}, '--limits-dead-seconds'],
    [['--config', '/nonexistent.json'], {}, '/nonexistent.json'],
  ] as const)('%j %j', (args, environment, name) => {
    const { exit: code, error } = exit(args, environment);
    expect(code).toBe(2);
    expect(error).toContain(name);
  });

  test('keys of the file', () => {
    for (const [content, name] of [
      [{ limits: { socket: 1 } }, 'limits.socket'],
      [{ listen: 80 }, 'listen'],
      [{ practise: true }, 'practise'],
      ['{', 'relay.json'],
      ['[]', 'relay.json'],
    ] as const) {
      const { exit: code, error } = exit(['--config', file(content)]);
      expect(code).toBe(2);
      expect(error).toContain(name);
    }
  });
});

describe('public mode', () => {
  test('says what is missing', () => {
    expect(() => complete({ mode: 'public' })).toThrow(/--ticket-keys.*--origins/);
    expect(() => complete({ mode: 'public', ticketKeys: ['k'] })).toThrow(/^public mode needs the origins/);
    expect(() => complete({ listen: '0.0.0.0:80' })).toThrow(/listening on 0\.0\.0\.0.*--ticket-keys/);
    expect(exit(['--listen', '0.0.0.0:80']).exit).toBe(2);
  });

  test('is what a ticket key or an address of the network means', () => {
    const rest = { ticketKeys: ['k'], origins: ['https://a.example'] };
    expect(complete(rest).mode).toBe('public');
    expect(complete({ ...rest, listen: '0.0.0.0:80' }).mode).toBe('public');
    expect(complete({ listen: '0.0.0.0:80', mode: 'development' }).mode).toBe('development');
    expect(() => complete({ listen: '10.0.0.1:80' })).toThrow(ConfigError);
  });
});

describe('--help', () => {
  test('shows every flag and leaves with 0', () => {
    const { exit: code, out } = exit(['--help']);
    expect(code).toBe(0);
    for (const { flag } of settings()) expect(out).toContain(flag);
    expect(out).toContain('127.0.0.1:8080');
  });

  test('--version', () => {
    expect(exit(['--version'])).toMatchObject({ exit: 0, out: '1.2.3\n' });
  });
});

test('parseListen', () => {
  expect(parseListen('localhost:0')).toEqual({ host: 'localhost', port: 0 });
  expect(parseListen('[::]:443')).toEqual({ host: '::', port: 443 });
  for (const text of ['', ':80', '::1:80', 'host', 'host:', 'host:x', 'host:65536', '[host]:1', 'a b:1']) {
    expect(parseListen(text)).toBeNull();
  }
});
