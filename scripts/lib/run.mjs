/** Runs programs: through to the terminal, or with their output kept. Rejects only when a program cannot be started. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { ROOT } from './paths.mjs';

/**
 * @typedef {object} Outcome
 * @property {number} code The exit status; 128 + n after signal n, as shells say it.
 * @property {string} output What it printed, where it was kept.
 */

/**
 * Runs a program to its end. Its input is ours, or nothing when its output is kept.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, output?: 'show' | 'keep' | 'both' }} [options] `show` (default): to our own output.
 * @returns {Promise<Outcome>}
 */
export function run(command, args, { cwd = ROOT, env = process.env, output = 'show' } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: output === 'show' ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      // npm and npx are .cmd files there, which only a shell starts.
      shell: process.platform === 'win32' && !command.includes('node'),
    });
    let kept = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
        kept += text;
        if (output === 'both') process.stdout.write(text);
      });
    }
    // Ctrl-C in a terminal reaches the child without us; any other signal is for us alone. When it has ended, so do we.
    /** @type {NodeJS.Signals | undefined} */
    let ours;
    const pass = (/** @type {NodeJS.Signals} */ signal) => {
      ours = signal;
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    };
    const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
    for (const signal of signals) process.on(signal, pass);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      for (const name of signals) process.off(name, pass);
      if (ours !== undefined) process.kill(process.pid, ours);
      else resolve({ code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]), output: kept });
    });
  });
}

/**
 * Runs a script of ours, or of a package, with this Node.
 * @param {string} script
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 */
export const runNode = (script, args, options) => run(process.execPath, [script, ...args], options);

/**
 * Between npm and a script stands a shell, which does not hand signals on: we would live on when npm has been ended. So
 * when npm is gone, this process ends as if it had got the signal.
 */
export function endWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const started = ancestors();
  const look = () => {
    if (ancestors() !== started) process.kill(process.pid, 'SIGTERM');
  };
  setInterval(look, 250).unref();
}

/** Our parent, and where that is a shell with a command (Debian's stays, others become the command) its parent, npm. */
function ancestors() {
  const parent = process.ppid;
  try {
    const isShell = readFileSync(`/proc/${parent}/cmdline`, 'latin1').split('\0')[1] === '-c';
    // proc(5): the fourth field of stat; the second is in parentheses and may hold blanks.
    const above = readFileSync(`/proc/${parent}/stat`, 'latin1').split(') ').at(-1)?.split(' ')[1];
    return isShell ? `${parent} ${above}` : `${parent}`;
  } catch {
    return `${parent}`; // no /proc, or the parent has just gone
  }
}
