/** An example: a Worker, in which calls block. The program is the worker's. */
import source from './blocking-worker.ts?raw';
import { play } from './stage.ts';

play(async ({ relay, practice, print }) => {
  const worker = new Worker(new URL('./blocking-worker.ts', import.meta.url), { type: 'module' });
  worker.addEventListener('message', ({ data }) => print(...data));
  worker.addEventListener('error', ({ message }) => print(message));
  worker.postMessage({ relay, echo: practice.tcpEcho, workerUrl: new URL('../client/pump.js', location.href).href });
}, source);
