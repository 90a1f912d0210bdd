/** Who is compared, and how the relay of each is started. */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { which } from '../../scripts/lib/programs.mjs';

/** @typedef {import('../types.ts').Peers} Peers */

/**
 * @typedef {object} Contender
 * @property {string} title
 * @property {(setup: Setup) => readonly string[]} command Starts its relay.
 * @property {RegExp} ready What the relay says when it listens; the group is its port.
 * @property {NodeJS.Signals} [signal] What ends it, where that is not SIGKILL.
 * @property {() => string | null} [absent] Why it cannot take part.
 */

/**
 * @typedef {object} Setup
 * @property {Peers} peers
 * @property {string} root Checkout whose build is taken: ours only.
 * @property {number} port Free, for a relay that cannot say which it took.
 * @property {string | null} profile Directory for a CPU profile of the relay: ours only.
 */

const LISTENING = /^listening (\d+)$/m;
const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));
const NODE = [process.execPath, '--expose-gc', '--require', here('../lib/collect.cjs')];

/** @param {string} name @returns {Contender} */
const node = (name, title = name) => ({
  title,
  command: () => [...NODE, here(`../relays/${name}.mjs`)],
  ready: LISTENING,
});

/** @type {Contender} */
const ours = {
  title: 'luasocket-web',
  command: ({ root, profile }) => [
    ...NODE,
    ...(profile === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]),
    `${root}/relay/dist/cli.js`,
    ...['--mode', 'development', '--listen', '127.0.0.1:0', '--log', 'warn', '--limits-drain-seconds', '0'],
  ],
  ready: /listening on http:\/\/127\.0\.0\.1:(\d+)/,
  // A profile is written by a process that ends by itself.
  signal: 'SIGTERM',
};

/** @type {Readonly<Record<string, Contender>>} */
export const CONTENDERS = {
  ours,
  other: { ...ours, title: 'luasocket-web, the other checkout' },
  ideal: node('ideal'),
  raw: node('raw', 'raw ws'),
  'wisp-js': node('wisp-js'),
  'wisp-server-node': node('wisp-server-node'),
  websockify: {
    title: 'websockify',
    command: ({ peers, port }) => {
      const tokens = join(tmpdir(), `luasocket-web-bench-${process.pid}.tokens`);
      writeFileSync(
        tokens,
        Object.entries(peers)
          .map(([name, port]) => `${name}: 127.0.0.1:${port}\n`)
          .join(''),
      );
      return ['websockify', '--token-plugin', 'TokenFile', '--token-source', tokens, `127.0.0.1:${port}`];
    },
    ready: /proxying from 127\.0\.0\.1:(\d+)/,
    absent: () => (which('websockify') === undefined ? 'not installed (Debian: websockify)' : null),
  },
};
