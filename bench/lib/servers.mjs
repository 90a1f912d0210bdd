/** Starts the servers behind the relays: peers/main.mjs. */
import { fileURLToPath } from 'node:url';
import { startProgram } from './program.mjs';

/**
 * Those that answer, and those that send and take in bulk. They do not share a process: a source writes until the kernel has a few
 * MiB, which takes some milliseconds of its turn, and an echo in the same process would wait for that behind every relay.
 */
const PROCESSES = [
  ['echo', 'udpEcho'],
  ['source', 'sink', 'udpSource'],
];

/** @param {readonly string[]} names */
export async function startServer(names) {
  const program = await startProgram(
    [process.execPath, fileURLToPath(new URL('../peers/main.mjs', import.meta.url)), ...names],
    /^(\{.*\})$/m,
  );
  /** @type {import('../types.ts').Peers} */
  const ports = JSON.parse(program.said[1] ?? '');
  return { ports, stop: program.stop };
}

/** All of them. @returns {Promise<{ ports: import('../types.ts').Peers, stop(): Promise<void> }>} */
export async function startServers() {
  const servers = await Promise.all(PROCESSES.map(startServer));
  const ports = Object.assign({}, ...servers.map((server) => server.ports));
  return { ports, stop: async () => void (await Promise.all(servers.map((server) => server.stop()))) };
}
