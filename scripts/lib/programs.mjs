/** Looks for the programs outside the repository that tests use. */
import { accessSync, constants, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { ROOT } from './paths.mjs';
import { run, runNode } from './run.mjs';

/** @param {string} path */
function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // not there, or not ours to run
  }
}

/**
 * Where a program is, as a shell would find it; Debian keeps servers where users' PATH does not look.
 * @param {string} name
 * @returns {string | undefined}
 */
export function which(name) {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return directories.map((directory) => join(directory, name)).find(executable);
}

/** The real programs that tests talk to, and the Debian packages that have them. */
const PEERS = [
  { name: 'lua5.1', debian: 'lua5.1' },
  { name: 'redis-server', debian: 'redis-server' },
  { name: 'nginx', debian: 'nginx-light' },
  { name: 'dnsmasq', debian: 'dnsmasq-base' },
  { name: 'nc', debian: 'netcat-openbsd' },
  { name: 'unshare', debian: 'util-linux' },
  { name: 'ip', debian: 'iproute2' },
];

/** @returns {Promise<string[]>} What is missing, each with the package that has it. */
export async function missingPeers() {
  const missing = PEERS.filter(({ name }) => which(name) === undefined).map(
    ({ name, debian }) => `${name} (${debian})`,
  );
  if (which('lua5.1') !== undefined) {
    const { code } = await run('lua5.1', ['-e', 'require "socket"'], { output: 'keep' });
    if (code !== 0) missing.push('LuaSocket for lua5.1 (lua-socket)');
  }
  return missing;
}

const CHROMIUMS = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/**
 * Finds a Chromium, or installs Playwright's, and says which it is.
 * @returns {Promise<string | undefined>} Its path.
 */
export async function chromium() {
  const told = process.env.CHROMIUM_PATH;
  if (told !== undefined && told !== '') {
    if (executable(told)) return tell(told, 'CHROMIUM_PATH');
    console.log(`Chromium: CHROMIUM_PATH is ${told}, which is no program.`);
    return undefined;
  }
  for (const name of CHROMIUMS) {
    const path = name.includes('/') || name.includes('\\') ? name : which(name);
    if (path !== undefined && executable(path)) return tell(path, "the system's");
  }
  const require = createRequire(`${ROOT}/package.json`);
  const own = require('@playwright/test').chromium.executablePath();
  if (executable(own)) return tell(own, "Playwright's");
  console.log('Chromium: none on this system. Installing the one of Playwright ...');
  const { code } = await runNode(require.resolve('@playwright/test/cli'), ['install', 'chromium']);
  if (code === 0 && executable(own)) return tell(own, "Playwright's, just installed");
  console.log('Chromium: could not be installed. Install one, or set CHROMIUM_PATH.');
  return undefined;
}

/**
 * @param {string} path
 * @param {string} whose
 */
function tell(path, whose) {
  console.log(`Chromium: ${path} (${whose})`);
  return path;
}

/**
 * Wraps a command so that it runs in a network namespace of its own where only the loopback exists, which proves
 * that tests contact nobody, and keeps other programs' ports out of their way. Needs Linux and root.
 * @returns {Promise<(command: string, args: readonly string[]) => [string, string[]]>}
 */
export async function isolation() {
  const prefix = ['-n', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];
  const { code } = await run('unshare', [...prefix, 'true'], { output: 'keep' }).catch(() => ({ code: 1 }));
  if (code === 0) return (command, args) => ['unshare', [...prefix, command, ...args]];
  console.log('No network namespace of our own (that takes Linux and root): tests run on the real loopback.');
  return (command, args) => [command, [...args]];
}
