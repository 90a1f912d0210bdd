/** The suite's command line. */
import { parseArgs } from 'node:util';

/**
 * @typedef {object} Options
 * @property {readonly string[]} only Cases; none: all.
 * @property {readonly string[]} contenders None: all.
 * @property {number} rounds
 * @property {number} seconds
 * @property {number} patience
 * @property {string | null} json
 * @property {string | null} versus
 * @property {string | null} profile
 * @property {boolean} write
 */

const DEFAULTS = { rounds: 5, seconds: 0.7, patience: 600 };

/** @param {readonly string[]} cases @param {readonly string[]} contenders */
export const help = (cases, contenders) => `Usage: npm run bench [-- OPTIONS]
       npm run bench poll       what a frame of luasocket-web/poll costs

Measures relay and client beside others, on this machine, side by side in one run: in each round everyone once, in an
order that turns. Bars that are missed are said; they make no error.

  --only NAMES        cases, comma-separated: ${cases.join(', ')}
  --contenders NAMES  ${contenders.join(', ')}
  --rounds N          rounds that count; others go before them (default: ${DEFAULTS.rounds})
  --seconds S         length of a sample (default: ${DEFAULTS.seconds})
  --patience S        what a run may wait for a machine that others keep busy (default: ${DEFAULTS.patience})
  --json FILE         writes all samples there
  --versus DIRECTORY  another checkout of this repository, built, takes part as "other"
  --profile DIRECTORY CPU profiles of our relay go there, one a case; ours is slower then
  --write             writes docs/benchmarks.md and its plot, which a run of all cases does anyway
  --help
`;

/**
 * @param {readonly string[]} args
 * @param {{ cases: readonly string[], contenders: readonly string[] }} known
 * @returns {Options | { help: true } | { wrong: string }}
 */
export function parseOptions(args, known) {
  const text = /** @type {const} */ ({ type: 'string' });
  const flag = /** @type {const} */ ({ type: 'boolean', default: false });
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: text,
        contenders: text,
        rounds: text,
        seconds: text,
        patience: text,
        json: text,
        versus: text,
        profile: text,
        write: flag,
        help: flag,
      },
    });
    if (values.help) return { help: true };
    return {
      only: names(values.only, known.cases, 'case'),
      contenders: names(values.contenders, known.contenders, 'contender'),
      rounds: number('rounds', values.rounds, 1, 1000, true),
      seconds: number('seconds', values.seconds, 0.01, 60, false),
      patience: number('patience', values.patience, 0, 86_400, false),
      json: values.json ?? null,
      versus: values.versus ?? null,
      profile: values.profile ?? null,
      write: values.write,
    };
  } catch (error) {
    return { wrong: error instanceof Error ? error.message : String(error) };
  }
}

/** @param {string | undefined} given @param {readonly string[]} known @param {string} what */
function names(given, known, what) {
  const all = given === undefined ? [] : given.split(',').map((name) => name.trim());
  const strange = all.find((name) => !known.includes(name));
  if (strange !== undefined) throw new Error(`There is no ${what} called "${strange}": ${known.join(', ')}.`);
  return all;
}

/** @param {'rounds' | 'seconds' | 'patience'} name @param {string | undefined} given @param {number} min @param {number} max @param {boolean} whole */
function number(name, given, min, max, whole) {
  if (given === undefined) return DEFAULTS[name];
  const value = Number(given);
  if (given.trim() !== '' && value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
  throw new Error(`--${name} is ${whole ? 'a whole number' : 'a number'} from ${min} to ${max}, and not "${given}".`);
}
