/** One contender, ready to be measured: its relay and its client, each in a process of its own. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { CONTENDERS } from '../contenders/index.mjs';
import { startProgram } from './program.mjs';

/** @typedef {import('../types.ts').Place} Place */
/** @typedef {import('../types.ts').Sample} Sample */

const CLIENT = fileURLToPath(new URL('../client.mjs', import.meta.url));
/** Beyond any sample: what takes longer hangs. */
const SAMPLE_MILLISECONDS = 45_000;

/**
 * Starts a contender's relay.
 * @param {string} name
 * @param {{ peers: import('../types.ts').Peers, root: string, profile: string | null }} setup
 * @returns {Promise<{ place: Place, stop(): Promise<void> }>}
 */
export async function startRelay(name, setup) {
  const contender = CONTENDERS[name];
  if (contender === undefined) throw new Error(`no contender ${name}`);
  const port = await freePort();
  const relay = await startProgram(contender.command({ ...setup, port }), contender.ready, contender.signal);
  const listening = Number(relay.said[1]);
  await reachable(listening);
  const place = {
    url: `ws://127.0.0.1:${listening}`,
    pid: relay.pid,
    peers: setup.peers,
    root: setup.root,
  };
  return { place, stop: () => relay.stop() };
}

/**
 * Starts a process that is the contender's client.
 * @param {string} name
 * @param {Place} place
 */
export function startClient(name, place) {
  const child = fork(CLIENT, [name, JSON.stringify(place)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const kill = () => void child.kill('SIGKILL');
  process.on('exit', kill);
  return {
    pid: child.pid ?? 0,
    /** @param {string} name Of the case. @param {number} seconds @returns {Promise<Sample>} */
    measure: (name, seconds) =>
      new Promise((resolve) => {
        const done = (/** @type {Sample} */ sample) => {
          clearTimeout(late);
          child.off('message', done).off('exit', died);
          resolve(sample);
        };
        const died = () => done({ failed: 'the client has died' });
        const late = setTimeout(() => done({ failed: 'hangs' }), SAMPLE_MILLISECONDS);
        child.on('message', done).on('exit', died);
        child.send({ name, seconds });
      }),
    async stop() {
      process.off('exit', kill);
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** @returns {Promise<number>} */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}

/** Some say that they listen before they do. @param {number} port */
async function reachable(port) {
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = connect(port, '127.0.0.1');
    const there = await new Promise((resolve) => {
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    });
    socket.destroy();
    if (there) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`nothing listens on port ${port}`);
}
