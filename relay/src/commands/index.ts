/** The commands beside the relay itself: `keygen`, `ticket`, `check`. Arguments in, text and exit code out. */
import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config.ts';
import { withFlag } from '../settings.ts';
import { addCheck } from './check.ts';
import { addKeygen } from './keygen.ts';
import { type Outcome, type Place, UsageError, WRONG_USE } from './outcome.ts';
import { addTicket } from './ticket.ts';

const NAMES: readonly string[] = ['keygen', 'ticket', 'check'];

/** Whether the command line is for one of them. */
export function isCommand(args: readonly string[]): boolean {
  return args[0] !== undefined && NAMES.includes(args[0]);
}

export async function runCommand(args: readonly string[], place: Place): Promise<Outcome> {
  let out = '';
  let error = '';
  let outcome: Promise<Outcome> | undefined;
  const done = (given: Promise<Outcome>) => {
    // Whoever awaits it below hears of a failure; until then nobody does.
    given.catch(() => {});
    outcome = given;
  };
  const program = new Command('luasocket-relay').exitOverride().configureOutput({
    writeOut: (text) => {
      out += text;
    },
    writeErr: (text) => {
      error += text;
    },
  });
  addKeygen(program, done);
  addTicket(program, place, done);
  addCheck(program, place, done);
  try {
    program.parse([...args], { from: 'user' });
    return (await outcome) ?? { exit: WRONG_USE, out, error };
  } catch (thrown) {
    if (thrown instanceof CommanderError) return { exit: thrown.exitCode === 0 ? 0 : WRONG_USE, out, error };
    const text =
      thrown instanceof ConfigError ? withFlag(thrown) : thrown instanceof Error ? thrown.message : String(thrown);
    const message = `luasocket-relay: ${text}\n`;
    const isMisuse = thrown instanceof UsageError || thrown instanceof ConfigError;
    return { exit: isMisuse ? WRONG_USE : 1, out: '', error: message };
  }
}
