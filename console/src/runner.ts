/**
 * Runs a snippet: the body of an async function. It becomes a module of its own with a blob: address, so that the
 * page's Content-Security-Policy need not allow eval.
 */
import type { SocketNamespace } from 'luasocket-web';

/** Where `npm start` runs its practice servers. */
export type Practice = Readonly<Record<string, { readonly host: string; readonly port: number } | undefined>>;

/** What a snippet has in scope. */
export interface Scope {
  readonly socket: SocketNamespace;
  readonly practice: Practice;
  readonly print: (...values: unknown[]) => void;
  /** Stands in for the browser's console. */
  readonly console: Pick<Console, 'log' | 'info' | 'warn' | 'error' | 'debug'>;
}

type Snippet = (scope: Scope) => Promise<unknown>;

/** @returns what the snippet returns. Throws what it throws, and SyntaxError when it is none. */
export async function runSnippet(code: string, scope: Scope): Promise<unknown> {
  const source = `export default async ({ socket, practice, print, console }) => {\n${code}\n};\n`;
  const address = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  try {
    const module = (await import(/* @vite-ignore */ address)) as { default: Snippet };
    return await module.default(scope);
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** What a snippet has thrown, in words, with its line where the browser tells it. */
export function errorText(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const place = /blob:[^\s)]*:(\d+):\d+/.exec(error.stack ?? '')?.[1];
  // The snippet begins in the second line of its module.
  const line = place === undefined ? '' : ` (line ${Number(place) - 1})`;
  return `${error.name}: ${error.message}${line}`;
}
