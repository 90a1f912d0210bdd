/**
 * Runs a program in a network namespace of its own, with nothing but loopback: scenarios then meet no other program's
 * ports, and no look-up can leave the machine.
 */
import { spawnSync } from 'node:child_process';

/** Ways into a namespace: as root, and as a user where the system lets users make namespaces. */
const WAYS = [['-n'], ['-r', '-n']];
const LOOPBACK_UP = 'ip link set lo up';

/**
 * Runs this process again in a namespace, with `args` after its own script.
 * @returns its exit status, or null when there is no way to make one here.
 */
export function runIsolated(args: readonly string[]): number | null {
  if (process.platform !== 'linux') return null;
  const way = WAYS.find(
    (flags) => spawnSync('unshare', [...flags, 'sh', '-c', LOOPBACK_UP], { stdio: 'ignore' }).status === 0,
  );
  const script = process.argv[1];
  if (way === undefined || script === undefined) return null;
  const command = [process.execPath, ...process.execArgv, script, ...args];
  const child = spawnSync('unshare', [...way, 'sh', '-c', `${LOOPBACK_UP} && exec "$@"`, 'sh', ...command], {
    stdio: 'inherit',
  });
  return child.status ?? 1;
}
