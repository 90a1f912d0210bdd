/** Runs scenarios on the LuaSocket that is installed on this machine. */
import { spawn } from 'node:child_process';
import { linesOf } from './compare.ts';
import { realLua } from './files.ts';

/**
 * The transcript of a scenario on real LuaSocket.
 * @param lua the interpreter, Lua 5.1 with LuaSocket in its path
 * @param limit seconds until it is stopped
 */
export function runReal(lua: string, scenario: string, limit: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(lua, [realLua], { stdio: 'pipe', timeout: limit * 1000 });
    const printed: Buffer[] = [];
    const complaints: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => printed.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk));
    child.on('error', (error) => reject(new Error(`cannot run ${lua}: ${error.message}`)));
    child.on('close', (status, signal) => {
      if (status === 0) resolve(linesOf(Buffer.concat(printed).toString('latin1')));
      else reject(new Error(`${lua} ended with ${signal ?? status}: ${Buffer.concat(complaints).toString().trim()}`));
    });
    // An interpreter that cannot start says why on its own; its closed input would only hide that.
    child.stdin.on('error', () => undefined);
    child.stdin.end(scenario, 'latin1');
  });
}
