#!/usr/bin/env node
/** The command `luasocket-relay`: the process around a relay. */
import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import closeWithGrace from 'close-with-grace';
import { parseCommand } from './command.ts';
import { isCommand, runCommand } from './commands/index.ts';
import { WRONG_USE } from './commands/outcome.ts';
import { ConfigError } from './config.ts';
import { hostText } from './origin.ts';
import { createRelay, type Relay } from './relay.ts';
import { withFlag } from './settings.ts';

/** Added to the time for draining before the process is ended by force, milliseconds. */
const GRACE_MILLISECONDS = 5000;

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
const args = process.argv.slice(2);
// npm scripts run elsewhere than where their user is.
const directory = process.env.INIT_CWD ?? process.cwd();
const place = { environment: process.env, directory, now: () => Date.now() / 1000 };
const invocation = isCommand(args) ? await runCommand(args, place) : parseCommand(args, process.env, version);

if ('run' in invocation) {
  const config = invocation.run;
  // To V8 the memory of buffers that pass through counts like objects that stay: in bulk it would collect all garbage
  // every 20 MiB, for a heap of 18 MiB where there is none, which cost three times as much CPU as all else. Now it does
  // so when the heap has grown to six times its size.
  setFlagsFromString('--heap-growing-percent=500');
  try {
    const { listen, ...rest } = config;
    const relay = await createRelay({ ...rest, listen: `${hostText(listen.host)}:${listen.port}` });
    const { host, port, url } = relay.address;
    // A terminal that goes takes a relay for development with it; a server's relay reads its keys and origins again.
    const reloads = config.mode === 'public';
    if (reloads) process.on('SIGHUP', () => void reload(relay));
    closeWithGrace(
      { delay: config.limits.drainSeconds * 1000 + GRACE_MILLISECONDS, logger: false, skip: reloads ? ['SIGHUP'] : [] },
      async ({ err }) => {
        if (err) process.stderr.write(`luasocket-relay: ${err.stack ?? err.message}\n`);
        await (err ? relay.close() : relay.drain());
      },
    );
    const page = config.mode === 'development' ? `http://${hostText(host)}:${port}/` : url;
    process.stdout.write(`luasocket-relay (${config.mode}) listening on ${page}\n`);
  } catch (error) {
    const isMisuse = error instanceof ConfigError;
    process.stderr.write(`luasocket-relay: ${isMisuse ? withFlag(error) : startingText(error)}\n`);
    process.exitCode = isMisuse ? WRONG_USE : 1;
  }
} else {
  process.stdout.write(invocation.out);
  process.stderr.write(invocation.error);
  process.exitCode = invocation.exit;
}

/** Takes over what settings and key files say now; what is wrong with them is told, and the old ones stay. */
async function reload(relay: Relay): Promise<void> {
  const again = parseCommand(args, process.env, version);
  if (!('run' in again)) {
    process.stderr.write(again.error);
    return;
  }
  const { ticketKeys, origins } = again.run;
  // The relay's log has told of it.
  await relay.reload({ ticketKeys, origins }).catch(() => {});
}

/** Why a relay did not start, in words and with what can be done about it. */
function startingText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (address === undefined || port === undefined) return error.message;
  const remedies: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program listens there (EADDRINUSE); choose another port with --listen, or PORT for npm start',
    EADDRNOTAVAIL: 'this machine has no such address (EADDRNOTAVAIL)',
    EACCES: 'not allowed (EACCES); ports below 1024 need a privilege (CAP_NET_BIND_SERVICE)',
  };
  const remedy = remedies[code ?? ''];
  return remedy === undefined ? error.message : `--listen ${hostText(address)}:${port}: ${remedy}`;
}
