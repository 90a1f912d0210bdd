/** The relay under attack: the command as operators run it, in public mode, watched from outside. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Place } from './wire.ts';

const CLI = fileURLToPath(new URL('../../relay/dist/cli.js', import.meta.url));
const ORIGIN = 'https://game.example';
/** Milliseconds between two looks at the process. */
const LOOK = 200;
/** prom-client's lag is the time between ticks of a timer of so many milliseconds. */
const LAG_TIMER = 10;
/** Milliseconds for an answer to GET /metrics. */
const PATIENCE = 10_000;
const MEBIBYTE = 2 ** 20;
/** pino's number for `error`. */
const ERROR_LEVEL = 50;

export interface RelayOptions {
  readonly publicKey: object;
  readonly nameServer: string;
}

/** What it holds now. */
export interface Holdings {
  readonly sessions: number;
  readonly sockets: number;
  readonly websockets: number;
  readonly descriptors: number;
  /** MiB: of the process, of JavaScript's heap, of buffers outside it. */
  readonly rss: number;
  readonly heap: number;
  readonly external: number;
}

export interface LoopDelay {
  /** Milliseconds, since the last time it was asked. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export class Relay {
  readonly place: Place;
  /** Lines of its log that tell of a defect, and what it said that was no log. */
  readonly errors: string[] = [];
  /** Lines of its log, by message. */
  readonly logged = new Map<string, number>();
  #logBytes = 0;
  #peakRss = 0;
  #peakDescriptors = 0;
  /** Rejects when the process ends by itself. */
  readonly gone: Promise<never>;
  #exit: string | null = null;
  readonly #process: ChildProcess;
  readonly #directory: string;
  readonly #watch: NodeJS.Timeout;

  static async start({ publicKey, nameServer }: RelayOptions): Promise<Relay> {
    const directory = await mkdtemp(join(tmpdir(), 'luasocket-web-fuzz-'));
    const keys = join(directory, 'key.json');
    await writeFile(keys, JSON.stringify(publicKey));
    const flags = ['--listen', '127.0.0.1:0', '--mode', 'public', '--origins', ORIGIN, '--ticket-keys', keys];
    const child = spawn(process.execPath, [CLI, ...flags, '--dns-server', nameServer], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    while (!said.includes('\n')) {
      const [chunk] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
      if (!Buffer.isBuffer(chunk)) throw new Error(`the relay did not start: ${said}`);
      said += chunk;
    }
    return new Relay(child, directory, Number(/:(\d+)\/relay/.exec(said)?.[1]));
  }

  private constructor(child: ChildProcess, directory: string, port: number) {
    this.#process = child;
    this.#directory = directory;
    this.place = { port, origin: ORIGIN };
    child.once('exit', (code, signal) => {
      this.#exit = `${code ?? signal}`;
    });
    // When its log is complete, too: what it said last may be why.
    this.gone = new Promise((_, reject) => {
      child.once('close', () => reject(new Error(`the relay ended: ${this.#exit}\n${this.errors.join('\n')}`)));
    });
    this.gone.catch(() => {});
    if (child.stderr) {
      child.stderr.on('data', (chunk: Buffer) => {
        this.#logBytes += chunk.length;
      });
      createInterface({ input: child.stderr }).on('line', (line) => this.#log(line));
    }
    this.#watch = setInterval(() => this.#look(), LOOK);
  }

  /** How it ended; null: it runs. */
  get exit(): string | null {
    return this.#exit;
  }

  get logBytes(): number {
    return this.#logBytes;
  }

  /** The most since the last time, MiB and descriptors. */
  takePeaks(): { readonly rss: number; readonly descriptors: number } {
    const peaks = { rss: this.#peakRss, descriptors: this.#peakDescriptors };
    this.#peakRss = 0;
    this.#peakDescriptors = 0;
    return peaks;
  }

  /** What it holds, in its own words and the kernel's. */
  async holdings(): Promise<Holdings> {
    const metrics = await this.#metrics();
    const sum = (name: string) =>
      [...metrics].filter(([key]) => key.startsWith(name)).reduce((total, [, value]) => total + value, 0);
    return {
      sessions: sum('luasocket_relay_sessions{'),
      sockets: sum('luasocket_relay_sockets{'),
      websockets: sum('luasocket_relay_websockets'),
      descriptors: await this.#descriptors(),
      rss: await this.#rss(),
      heap: sum('nodejs_heap_size_used_bytes') / MEBIBYTE,
      external: sum('nodejs_external_memory_bytes') / MEBIBYTE,
    };
  }

  /** How late its event loop was since the last time this was asked; null when it did not answer. */
  async loopDelay(): Promise<LoopDelay | null> {
    const metrics = await this.#metrics().catch(() => null);
    if (metrics === null) return null;
    const milliseconds = (name: string) =>
      Math.max(0, (metrics.get(`nodejs_eventloop_lag_${name}_seconds`) ?? 0) * 1000 - LAG_TIMER);
    return { p50: milliseconds('p50'), p99: milliseconds('p99'), max: milliseconds('max') };
  }

  async close(): Promise<void> {
    clearInterval(this.#watch);
    if (this.#exit === null) {
      const exited = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await exited;
    }
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #metrics(): Promise<Map<string, number>> {
    const text = await get(`http://127.0.0.1:${this.place.port}/metrics`);
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => {
        const at = line.lastIndexOf(' ');
        return [line.slice(0, at), Number(line.slice(at + 1))] as const;
      }),
    );
  }

  async #rss(): Promise<number> {
    const status = await readFile(`/proc/${this.#process.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
  }

  async #descriptors(): Promise<number> {
    return (await readdir(`/proc/${this.#process.pid}/fd`)).length;
  }

  async #look(): Promise<void> {
    try {
      const [rss, descriptors] = await Promise.all([this.#rss(), this.#descriptors()]);
      this.#peakRss = Math.max(this.#peakRss, rss);
      this.#peakDescriptors = Math.max(this.#peakDescriptors, descriptors);
    } catch {
      // It has ended, which `exit` tells.
    }
  }

  #log(line: string): void {
    let entry: { readonly level?: number; readonly msg?: string } = { level: ERROR_LEVEL };
    try {
      entry = JSON.parse(line);
    } catch {
      // No log line: a warning or the end of Node.
    }
    const message = entry.msg ?? 'no log line';
    this.logged.set(message, (this.logged.get(message) ?? 0) + 1);
    if ((entry.level ?? 0) >= ERROR_LEVEL && this.errors.length < 20) this.errors.push(line.slice(0, 2000));
  }
}

/** On a connection of its own, which leaves no descriptor behind. */
function get(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent: false, timeout: PATIENCE }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(text)).on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error('no answer'))).on('error', reject);
  });
}
