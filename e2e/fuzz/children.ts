/**
 * Processes of the fuzz run and how they are asked: each has an event loop of its own, so that nobody's work shows in
 * what another one measures.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

interface Question {
  readonly id: number;
  readonly method: string;
  readonly argument: unknown;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** What a process can be asked for, as its parent sees it. */
export type Methods = { readonly [method: string]: (argument: never) => unknown };
type Given<M extends Methods, K extends keyof M> = Parameters<M[K]>[0];
type Got<M extends Methods, K extends keyof M> = Awaited<ReturnType<M[K]>>;

/** In the child: answers questions until the parent is gone. */
export function answerWith(methods: Methods): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', async ({ id, method, argument }: Question) => {
    try {
      const value = await (methods[method] as (argument: unknown) => unknown)(argument);
      process.send?.({ id, value } satisfies Answer);
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
}

/** In the parent. */
export class Child<M extends Methods> {
  readonly #process: ChildProcess;
  readonly #name: string;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #asked = 0;

  /** Starts `file`, a module beside this one that calls `answerWith`. */
  static async start<M extends Methods>(file: string): Promise<Child<M>> {
    const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
    const child = fork(at('./child.mjs'), [at(`./${file}`)], { serialization: 'advanced', execArgv: [] });
    const [first] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
    if (first !== 'ready') throw new Error(`${file} ended before it was ready (${first})`);
    return new Child(child, file);
  }

  private constructor(child: ChildProcess, name: string) {
    this.#process = child;
    this.#name = name;
    child.on('message', ({ id, value, error }: Answer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(new Error(`${name}: ${error}`));
    });
    child.on('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${name} ended (${code ?? signal})`));
      this.#waiting.clear();
    });
  }

  /** @throws what the child threw, or that it has ended. */
  ask<K extends keyof M & string>(method: K, argument: Given<M, K>): Promise<Got<M, K>> {
    const id = ++this.#asked;
    const answer = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    if (!this.#process.connected) return Promise.reject(new Error(`${this.#name} has ended`));
    this.#process.send({ id, method, argument } satisfies Question);
    return answer as Promise<Got<M, K>>;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }
}
