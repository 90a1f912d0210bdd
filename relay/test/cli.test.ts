/** The command as a process: what it prints and with what it exits. Built for this, as a user would have it. */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KIND } from '@luasocket-web/shared/frames';
import type { Relay } from 'luasocket-relay';
import { build } from 'vite';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { RawClient } from './support/client.ts';
import { type Key, knock, newKey, ORIGIN } from './support/tickets.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
// Where package.json lies as it does beside dist/.
const OUTPUT = at('../test-results');

beforeAll(async () => {
  const outDir = { outDir: OUTPUT, emptyOutDir: true };
  await build({ configFile: at('../../vite.config.ts'), mode: 'relay', logLevel: 'error', build: outDir });
});

interface Run {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly error: () => string;
  readonly exit: Promise<number | null>;
  /** Resolves with the match once it is there on standard output, or in what the log has said since it last resolved. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  logs(pattern: RegExp): Promise<RegExpExecArray>;
}

function run(...args: string[]): Run {
  return watch(spawn(process.execPath, [`${OUTPUT}/cli.js`, ...args], { stdio: 'pipe' }));
}

function watch(child: ChildProcessWithoutNullStreams): Run {
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let out = '';
  let error = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
    child.emit('printed');
  });
  child.stderr.on('data', (chunk) => {
    error += chunk;
    child.emit('printed');
  });
  const found = async (pattern: RegExp, text: () => string): Promise<RegExpExecArray> => {
    for (;;) {
      const match = pattern.exec(text());
      if (match) return match;
      await once(child, 'printed');
    }
  };
  let read = 0;
  return {
    child,
    out: () => out,
    error: () => error,
    exit: once(child, 'close').then(([code]) => code),
    says: (pattern) => found(pattern, () => out),
    async logs(pattern) {
      const match = await found(pattern, () => error.slice(read));
      read = error.length;
      return match;
    },
  };
}

/** The URL that a started relay prints. */
async function url(relay: Run): Promise<URL> {
  return new URL((await relay.says(/(?:http|ws):\S+/))[0]);
}

describe('luasocket-relay', () => {
  test('prints its URL, serves, and exits with 0 when it is told to end', async () => {
    const relay = run('--listen', '127.0.0.1:0', '--log', 'silent');
    const page = await url(relay);
    expect((await fetch(new URL('/healthz', page))).status).toBe(200);
    relay.child.kill('SIGTERM');
    expect(await relay.exit).toBe(0);
    expect(relay.error()).toBe('');
  });

  test('SIGINT during a session: tells it, waits for the deadline, exits with 0', async () => {
    const relay = run('--listen', '127.0.0.1:0', '--log', 'silent', '--limits-drain-seconds', '0.1');
    const page = await url(relay);
    const ws = new WebSocket(`ws://${page.host}/relay`);
    await once(ws, 'message');
    ws.send(Buffer.from('940001c000', 'hex'));
    await once(ws, 'message');
    const closed = once(ws, 'close');
    relay.child.kill('SIGINT');
    expect((await closed)[0]).toBe(4013);
    expect(await relay.exit).toBe(0);
  });

  test('--help and --version', async () => {
    const help = run('--help');
    expect(await help.exit).toBe(0);
    expect(help.out()).toContain('--listen');
    const version = run('--version');
    expect(await version.exit).toBe(0);
    expect(version.out()).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('wrong use exits with 2 and says what is wrong', async () => {
    const relay = run('--listen', 'nowhere');
    expect(await relay.exit).toBe(2);
    expect(relay.error()).toContain('--listen');
    expect(relay.out()).toBe('');
  });

  test('public mode without keys and origins does not start', async () => {
    const relay = run('--listen', '0.0.0.0:0');
    expect(await relay.exit).toBe(2);
    expect(relay.error()).toContain('--ticket-keys');
    expect(relay.error()).toContain('--origins');
  });

  test('a port that is taken: exits with 1', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => {
      other.close();
    });
    const address = other.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const relay = run('--listen', `127.0.0.1:${port}`, '--practice');
    expect(await relay.exit).toBe(1);
    expect(relay.error()).toContain(`--listen 127.0.0.1:${port}: another program listens there (EADDRINUSE)`);
    expect(relay.error()).toContain('PORT for npm start');
  });

  test.each([
    ['--console', ['--console', 'nowhere']],
    ['--ticket-keys', ['--ticket-keys', 'nowhere.json', '--origins', 'https://game.example']],
  ])('%s that leads nowhere: exits with 2, and names it', async (flag, args) => {
    const relay = run('--listen', '127.0.0.1:0', ...args);
    expect(await relay.exit).toBe(2);
    expect(relay.error()).toMatch(new RegExp(`^luasocket-relay: ${flag}: nowhere`));
  });

  test('keygen, ticket and check', async () => {
    const keys = run('keygen');
    expect(await keys.exit).toBe(0);
    expect(JSON.parse(keys.out()).publicKey.crv).toBe('Ed25519');
    const check = run('check', '--mode', 'public', '--cases', at('./policy/cases.json'));
    expect(await check.exit).toBe(0);
    expect(check.out()).toBe('184 passed, 0 failed\n');
    const wrong = run('check', 'tcp');
    expect(await wrong.exit).toBe(2);
  });

  test('out of descriptors: "Too many open files", and it passes', async () => {
    const args = ['-c', 'ulimit -n 100; exec "$@"', 'sh', process.execPath, `${OUTPUT}/cli.js`];
    const relay = watch(spawn('sh', [...args, '--listen', '127.0.0.1:0', '--log', 'silent'], { stdio: 'pipe' }));
    const page = await url(relay);
    const address = { host: page.hostname, port: Number(page.port), url: `ws://${page.host}/relay` };
    const client = await RawClient.dial({ address });
    client.send({ type: 'hello', version: 1, ticket: null, leases: 0 });
    await client.next('welcome');
    const open = (socket: number) => {
      client.send({ type: 'open', socket, kind: KIND.udp, family: 4 });
      return client.ask((request) => ({ type: 'getsockname', request, socket }));
    };
    let last = 1;
    while ((await open(last)) instanceof Uint8Array) last++;
    expect(await client.ask((request) => ({ type: 'getsockname', request, socket: last }))).toEqual({
      error: 'EMFILE',
    });
    expect(last).toBeGreaterThan(10);
    for (let socket = 1; socket <= last; socket++) client.send({ type: 'close', socket, consumed: 0 });
    await client.barrier();
    expect(await open(last + 1)).toBeInstanceOf(Uint8Array);
    expect((await fetch(new URL('/healthz', page))).status).toBe(200);
  });

  test('the log has denials with their reason; no tickets, keys, payloads, hosts', async () => {
    const keys = run('keygen');
    await keys.exit;
    const directory = mkdtempSync(join(tmpdir(), 'log-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 'keys.json');
    writeFileSync(file, keys.out());
    const minted = run('ticket', '--key', file, '--sub', 'anna@game.example');
    await minted.exit;
    const token = minted.out().trim();
    const publicMode = ['--ticket-keys', file, '--origins', 'https://game.example', '--log', 'debug'];
    const relay = run('--listen', '127.0.0.1:0', ...publicMode);
    while (!relay.out().includes('\n')) await once(relay.child, 'printed');
    const url = /ws:\S+/.exec(relay.out())?.[0] ?? '';
    const dial = () => RawClient.dial({ address: { host: '', port: 0, url } }, { origin: 'https://game.example' });

    const client = await dial();
    client.send({ type: 'hello', version: 1, ticket: token, leases: 1 });
    const { key } = await client.next('welcome');
    client.send({ type: 'open', socket: 1, kind: KIND.tcp, family: 4 });
    const target = { family: 4, address: '10.11.12.13', port: 7777 } as const;
    await client.ask((request) => ({ type: 'connect', request, socket: 1, target }));
    await client.ask((request) => ({ type: 'hostent', request, name: 'secret-name.local' }));
    for (let times = 0; times < 30; times++) {
      await client.ask((request) => ({ type: 'connect', request, socket: 1, target }));
    }
    client.send({ type: 'data', socket: 1, payload: Buffer.from('payload of a user') });
    await client.closed;
    const again = await dial();
    again.send({ type: 'hello', version: 1, ticket: token, leases: 0 });
    await again.closed;
    relay.child.kill('SIGTERM');
    expect(await relay.exit).toBe(0);

    const text = relay.error();
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'denied', operation: 'connect', reason: 'private' }));
    // The others of this one session are for those who log everything (30 is pino's `info`).
    expect(lines.filter(({ msg, level }) => msg === 'denied' && level >= 30)).toHaveLength(10);
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'fault', fault: 'unexpected' }));
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'fault', fault: 'unauthorized' }));
    const secrets = [token, token.split('.')[2] ?? '', Buffer.from(key).toString('hex'), 'anna', 'payload of a user'];
    for (const secret of [...secrets, 'secret-name', '10.11.12.13']) expect(text).not.toContain(secret);
  });
});

const result = async (...given: Parameters<typeof knock>): Promise<string> => (await knock(...given))[0];

describe('SIGHUP', () => {
  /** A relay in public mode as a process, and the files that it reads. */
  async function start(old: Key): Promise<{ relay: Run; at: Pick<Relay, 'address'>; keys: string; config: string }> {
    const directory = mkdtempSync(join(tmpdir(), 'keys-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const [keys, config] = [join(directory, 'keys.json'), join(directory, 'relay.json')];
    writeFileSync(keys, JSON.stringify(old.publicKey));
    writeFileSync(
      config,
      JSON.stringify({ mode: 'public', listen: '127.0.0.1:0', origins: [ORIGIN], ticketKeys: [keys] }),
    );
    const relay = run('--config', config, '--limits-drain-seconds', '60');
    const { hostname: host, port, href } = await url(relay);
    return { relay, at: { address: { host, port: Number(port), url: href } }, keys, config };
  }

  test('rotates keys; a broken file changes nothing, and is named', async () => {
    const [old, next] = [await newKey('old'), await newKey('next')];
    const { relay, at, keys } = await start(old);
    const [, session] = await knock(at, old);

    writeFileSync(keys, JSON.stringify({ keys: [old.publicKey, next.publicKey] }));
    relay.child.kill('SIGHUP');
    await relay.logs(/"kids":\["old","next"\].*"reloaded"/);
    expect([await result(at, old), await result(at, next)]).toEqual(['welcome', 'welcome']);

    writeFileSync(keys, '{"kty":"OKP"');
    relay.child.kill('SIGHUP');
    expect((await relay.logs(/.*nothing was reloaded.*/))[0]).toContain(keys);
    expect([await result(at, old), await result(at, next)]).toEqual(['welcome', 'welcome']);

    writeFileSync(keys, JSON.stringify(next.publicKey));
    relay.child.kill('SIGHUP');
    await relay.logs(/"kids":\["next"\].*"reloaded"/);
    expect([await result(at, old), await result(at, next)]).toEqual(['unauthorized', 'welcome']);
    await session.barrier();
    expect(relay.child.exitCode).toBeNull();
  });

  test('reads the origins of the file of settings; one that is broken changes nothing, and is named', async () => {
    const key = await newKey('only');
    const { relay, at, keys, config } = await start(key);
    writeFileSync(config, '{');
    relay.child.kill('SIGHUP');
    await relay.logs(/relay\.json/);
    expect(await result(at, key)).toBe('welcome');
    const origins = ['https://new.example'];
    writeFileSync(config, JSON.stringify({ mode: 'public', listen: '127.0.0.1:0', origins, ticketKeys: [keys] }));
    relay.child.kill('SIGHUP');
    await relay.logs(/"reloaded"/);
    expect(await result(at, key, 'https://new.example')).toBe('welcome');
    await expect(RawClient.dial(at, { origin: ORIGIN })).rejects.toThrow('403');
  });

  test('while it drains does no harm', async () => {
    const key = await newKey('only');
    const { relay, at } = await start(key);
    const [, session] = await knock(at, key);
    relay.child.kill('SIGTERM');
    await session.next('goaway');
    relay.child.kill('SIGHUP');
    await relay.logs(/"reloaded"/);
    await session.barrier();
    session.ws.close(1000);
    expect(await relay.exit).toBe(0);
  });

  test('ends a relay for development, as a terminal that is closed ends what runs in it', async () => {
    const relay = run('--listen', '127.0.0.1:0', '--log', 'silent');
    await url(relay);
    relay.child.kill('SIGHUP');
    expect(await relay.exit).toBe(0);
  });
});
