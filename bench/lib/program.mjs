/** Programs that a run starts: each says something when it is ready, and none outlives the run. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Far above what a start takes. */
const START_MILLISECONDS = 20_000;

/** @typedef {{ pid: number, said: RegExpExecArray, stop(): Promise<void> }} Program */

/**
 * @param {readonly string[]} command
 * @param {RegExp} ready What it prints when it is.
 * @param {NodeJS.Signals} [signal] What ends it.
 * @returns {Promise<Program>}
 */
export async function startProgram([name = '', ...args], ready, signal = 'SIGKILL') {
  const child = spawn(name, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const kill = () => void child.kill(signal);
  process.on('exit', kill);
  let text = '';
  const said = await new Promise((resolve, reject) => {
    const fail = (/** @type {string} */ why) => reject(new Error(`${[name, ...args].join(' ')}: ${why}\n${text}`));
    const late = setTimeout(() => fail('does not say that it is ready'), START_MILLISECONDS);
    child.on('error', ({ message }) => fail(message));
    child.on('exit', (code, by) => fail(`ended with ${code ?? by}`));
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (/** @type {string} */ more) => {
        if (text.length < 10_000) text += more;
        const match = ready.exec(text);
        if (match === null) return;
        clearTimeout(late);
        resolve(match);
      });
    }
  });
  return {
    pid: child.pid ?? 0,
    said,
    async stop() {
      process.off('exit', kill);
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      await once(child, 'exit');
    },
  };
}
