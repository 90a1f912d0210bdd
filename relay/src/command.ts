/** The command `luasocket-relay`, without the process around it: arguments and environment in, text and exit code out. */
import { Command, CommanderError, Option } from 'commander';
import { WRONG_USE } from './commands/outcome.ts';
import { type Config, ConfigError } from './config.ts';
import { load, type Setting, settings } from './settings.ts';

/** What the command line asks for. */
export type Invocation =
  | { readonly run: Config }
  /** Nothing to run: text for standard output or standard error, and the exit code. */
  | { readonly exit: number; readonly out: string; readonly error: string };

/**
 * Reads the command line.
 * @param args without node and script.
 */
export function parseCommand(
  args: readonly string[],
  environment: { readonly [name: string]: string | undefined },
  version: string,
): Invocation {
  let out = '';
  let error = '';
  const all = settings();
  const command = new Command('luasocket-relay')
    .description('Gives browser pages TCP and UDP sockets: the relay of luasocket-web.')
    .version(version, '-V, --version')
    // Let in here to be refused by name below.
    .allowExcessArguments(true)
    .configureOutput({
      writeOut: (text) => {
        out += text;
      },
      writeErr: (text) => {
        error += text;
      },
    })
    .exitOverride()
    .addOption(new Option('--config <file>', 'JSON file with the same settings (LUASOCKET_RELAY_CONFIG)'));
  for (const setting of all) command.addOption(toOption(setting));
  command.addHelpText('after', HELP);
  try {
    command.parse([...args], { from: 'user' });
    const [extra] = command.args;
    if (extra !== undefined) throw new ConfigError(`unknown argument ${extra}`);
    const given = command.opts<Record<string, string | boolean | undefined>>();
    const flags = new Map<string, string | boolean>();
    for (const setting of all) {
      const value = given[toOption(setting).attributeName()];
      if (value !== undefined) flags.set(setting.flag, value);
    }
    const file = given.config ?? environment.LUASOCKET_RELAY_CONFIG;
    return { run: load({ flags, environment, file: typeof file === 'string' ? file : undefined }) };
  } catch (thrown) {
    if (thrown instanceof CommanderError) return { exit: thrown.exitCode === 0 ? 0 : WRONG_USE, out, error };
    if (thrown instanceof ConfigError) {
      const lines = thrown.message.split('\n').map((line) => `luasocket-relay: ${line}\n`);
      return { exit: WRONG_USE, out, error: error + lines.join('') };
    }
    throw thrown;
  }
}

const HELP = `
Each setting can also come from the environment (LUASOCKET_RELAY_LISTEN for --listen, and so on) or from
the JSON file (--limits-sockets is {"limits": {"sockets": ...}}). Flags win over the environment, that over
the file.

luasocket-relay keygen, ticket and check make keys and tickets for public mode, and say what the policy
allows; luasocket-relay check --help tells more.

SIGTERM drains the relay and ends it. SIGHUP, in public mode, makes it read its ticket keys and origins again.

Without settings the relay serves pages on this machine only, on http://127.0.0.1:8080/. Its WebSocket
endpoint is /relay; /healthz and /readyz tell how it is.`;

function toOption(setting: Setting): Option {
  const argument = setting.type === 'boolean' ? '' : setting.type === 'number' ? ' <number>' : ' <value>';
  const option = new Option(`${setting.flag}${argument}`, describe(setting));
  return option;
}

function describe({ description, fallback }: Setting): string {
  const shown =
    typeof fallback === 'object' && fallback !== null && 'host' in fallback && 'port' in fallback
      ? `${String(fallback.host)}:${String(fallback.port)}`
      : typeof fallback === 'number' || typeof fallback === 'string'
        ? String(fallback)
        : null;
  return shown === null ? description : `${description} (default: ${shown})`;
}
