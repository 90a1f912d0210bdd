/**
 * `npm run parity`: runs scenarios on the client, over a real relay and a real WebSocket, and compares what comes out
 * with the transcripts of real LuaSocket, byte for byte.
 *
 * Exit status: 0 all equal, 1 some differ, 2 wrong use.
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createRelay } from 'luasocket-relay';
import { type Difference, describe, differences, linesOf, operationsOf } from './compare.ts';
import type { Face } from './face.ts';
import { faces } from './faces.ts';
import { type Collection, collections, namesIn, readBytes } from './files.ts';
import { runIsolated } from './isolate.ts';
import { runReal } from './live.ts';
import { contest } from './random/contest.ts';
import { parseScenarios } from './scenario.ts';

const USAGE = `usage: npm run parity -- [options]
  --face NAME        the face of the client: ${[...faces.keys()].join(', ')} (default async)
  --scenarios DIR    run the scenarios in DIR instead of the project's own
  --transcripts DIR  compare with the transcripts in DIR
  --only NAME        run only scenarios whose name begins with NAME; may be given more than once
  --live             also compare with the LuaSocket 3.1.0 that is installed here, wherever it agrees with 3.0-rc1
  --random N         run N random scenarios on the LuaSocket that is installed here too, and compare; where it is not
                     3.0-rc1, only with what both releases do
  --seed S           the seed of the first random scenario, a whole number; the others have the next ones (default 1)
  --lua COMMAND      the Lua 5.1 for --live and --random (default lua5.1)
  --no-namespace     run in this network, not in a network namespace of its own
  --help             print this`;

/** Seconds one scenario may take; the longest one takes about three. */
const LIMIT = 30;
/** Nobody listens on the discard port: names that libc does not know stay unknown, and no look-up leaves the machine. */
const NO_DNS_SERVER = '127.0.0.1:9';

class WrongUse extends Error {}

interface Options {
  readonly face: () => Promise<Face>;
  readonly collections: readonly Collection[];
  readonly only: readonly string[];
  readonly live: string | null;
  readonly random: { readonly count: number; readonly seed: number; readonly lua: string } | null;
}

/** @returns the exit status. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const { values } = parse(args);
    if (values.help) {
      console.log(USAGE);
      return 0;
    }
    const options = optionsOf(values);
    if (!values['no-namespace']) {
      const status = runIsolated([...args, '--no-namespace']);
      if (status !== null) return status;
      console.log('No network namespace can be made here; running in this network.');
    }
    return await run(options);
  } catch (error) {
    if (!(error instanceof WrongUse)) throw error;
    console.error(`${error.message}\n${USAGE}`);
    return 2;
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        face: { type: 'string', default: 'async' },
        scenarios: { type: 'string' },
        transcripts: { type: 'string' },
        only: { type: 'string', multiple: true, default: [] },
        live: { type: 'boolean', default: false },
        random: { type: 'string' },
        seed: { type: 'string' },
        lua: { type: 'string', default: 'lua5.1' },
        'no-namespace': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new WrongUse(error instanceof Error ? error.message : String(error));
  }
}

function optionsOf(values: ReturnType<typeof parse>['values']): Options {
  const face = faces.get(values.face);
  if (!face) throw new WrongUse(`there is no face ${values.face}`);
  const own = values.scenarios === undefined && values.transcripts === undefined;
  if (values.live && !own) throw new WrongUse('--live goes with the project’s own scenarios only');
  return {
    face,
    collections: own ? collections : [given(values)],
    only: values.only,
    live: values.live ? values.lua : null,
    random: randomOf(values, own),
  };
}

function randomOf(values: ReturnType<typeof parse>['values'], own: boolean): Options['random'] {
  if (values.random === undefined) {
    if (values.seed !== undefined) throw new WrongUse('--seed goes with --random only');
    return null;
  }
  if (values.live || !own || values.only.length > 0)
    throw new WrongUse(
      '--random makes its own scenarios: it does not go with --live, --only, --scenarios or --transcripts',
    );
  return { count: whole('--random', values.random, 1), seed: whole('--seed', values.seed ?? '1', 0), lua: values.lua };
}

/** The number that a flag has; random scenarios are told apart by the lowest 32 bits of their seed. */
function whole(flag: string, text: string, least: number): number {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number < 2 ** 31) return number;
  throw new WrongUse(`${flag} takes a whole number from ${least} to ${2 ** 31 - 1}, not ${text}`);
}

/** The collection that --scenarios and --transcripts name. */
function given(values: { scenarios?: string | undefined; transcripts?: string | undefined }): Collection {
  const [standard] = collections;
  const scenarios = directory(values.scenarios) ?? standard?.scenarios ?? '';
  const transcripts = directory(values.transcripts) ?? standard?.transcripts ?? '';
  return { scenarios, transcripts, released: transcripts };
}

/** A directory, counted from where npm was called. */
function directory(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const absolute = resolve(process.env.INIT_CWD ?? '.', path);
  if (!statSync(absolute, { throwIfNoEntry: false })?.isDirectory())
    throw new WrongUse(`there is no directory ${path}`);
  return absolute;
}

async function run(options: Options): Promise<number> {
  const wanted = options.random === null ? wantedOf(options) : [];
  const relay = await createRelay({
    listen: '127.0.0.1:0',
    mode: 'development',
    dnsServer: [NO_DNS_SERVER],
    log: 'error',
  });
  const { url } = relay.address;
  let face: Face | null = null;
  let failed = 0;
  try {
    face = await options.face();
    if (options.random !== null) failed = await contest({ ...options.random, face, url, say: console.log });
    for (const { collection, name } of wanted) {
      const complaint = await check(collection, name, face, options.live, url);
      if (complaint === null) continue;
      failed++;
      console.log(`${name}: ${complaint}`);
    }
  } finally {
    await face?.close();
    await relay.close();
  }
  console.log(`${(options.random?.count ?? wanted.length) - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** The scenario files to run. */
function wantedOf({ collections, only }: Options): { collection: Collection; name: string }[] {
  const wanted = collections.flatMap((collection) =>
    namesIn(collection.scenarios)
      .filter((name) => only.length === 0 || only.some((start) => name.startsWith(start)))
      .map((name) => ({ collection, name })),
  );
  if (wanted.length === 0) throw new WrongUse('there is no such scenario');
  return wanted;
}

/** Runs one scenario file; what is wrong, or null. */
async function check(
  collection: Collection,
  name: string,
  face: Face,
  live: string | null,
  url: string,
): Promise<string | null> {
  try {
    const text = readBytes(collection.scenarios, name);
    const operations = operationsOf(parseScenarios(text));
    const expected = linesOf(readBytes(collection.transcripts, name));
    const got = await face.transcribe(text, url, LIMIT);
    const complaints = [complain('differs from LuaSocket', differences(operations, expected, got))];
    if (live !== null) {
      const released = linesOf(readBytes(collection.released, name));
      const real = await runReal(live, text, LIMIT);
      const agrees = (line: number) => expected[line] === released[line];
      complaints.push(
        complain('the LuaSocket here differs from the stored transcript', differences(operations, released, real)),
        complain('differs from the LuaSocket here', differences(operations, real, got, agrees)),
      );
    }
    const said = complaints.filter((complaint) => complaint !== '');
    return said.length === 0 ? null : said.join('\n');
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function complain(what: string, found: readonly Difference[]): string {
  return found.length === 0 ? '' : [what, ...found.map(describe)].join('\n');
}
