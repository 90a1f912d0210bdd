/** The command as a process: what it prints and with what it exits. Built for this, as a user would have it. */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KIND } from '@luasocket-web/shared/frames';
import { build } from 'vite';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { RawClient } from './support/client.ts';

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
  });
  return { child, out: () => out, error: () => error, exit: once(child, 'close').then(([code]) => code) };
}

/** The URL that a started relay prints. */
async function url({ child, out }: Run): Promise<URL> {
  while (!out().includes('\n')) await once(child, 'printed');
  return new URL(/http:\S+/.exec(out())?.[0] ?? '');
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
    expect(relay.error()).toContain('EADDRINUSE');
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
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'fault', fault: 'unexpected' }));
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'fault', fault: 'unauthorized' }));
    const secrets = [token, token.split('.')[2] ?? '', Buffer.from(key).toString('hex'), 'anna', 'payload of a user'];
    for (const secret of [...secrets, 'secret-name', '10.11.12.13']) expect(text).not.toContain(secret);
  });
});
