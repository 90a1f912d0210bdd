/** Where scenarios and transcripts stand on disk. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Directories that belong together; a transcript has the name of its scenario's file. */
export interface Collection {
  readonly scenarios: string;
  /** What LuaSocket 3.0-rc1 prints, as Defold has it: what the client must print. */
  readonly transcripts: string;
  /** What LuaSocket 3.1.0 prints. */
  readonly released: string;
}

const here = fileURLToPath(new URL('.', import.meta.url));

/** The program that runs scenarios on a real LuaSocket. */
export const realLua = join(here, 'real.lua');

export const collections: readonly Collection[] = [
  {
    scenarios: join(here, 'scenarios'),
    transcripts: join(here, 'transcripts'),
    released: join(here, 'transcripts-3.1.0'),
  },
  {
    scenarios: join(here, 'extra'),
    transcripts: join(here, 'extra/transcripts'),
    released: join(here, 'extra/transcripts-3.1.0'),
  },
];

/** The names of the scenarios in a directory, sorted. */
export function namesIn(directory: string): string[] {
  const files = readdirSync(directory).filter((file) => file.endsWith('.jsonl'));
  return files.map((file) => basename(file, '.jsonl')).sort();
}

/** A file's text, one character for each byte. Throws with a plain message when there is none. */
export function readBytes(directory: string, name: string): string {
  const path = join(directory, `${name}.jsonl`);
  if (!existsSync(path)) throw new Error(`there is no ${relative(process.cwd(), path)}`);
  return readFileSync(path, 'latin1');
}
