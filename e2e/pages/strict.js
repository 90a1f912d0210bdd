/** Talks from the page and from a worker of each kind, and shows what came. `?relay=ENDPOINT&port=PORT` */
import { talk } from './talk.js';

const query = new URLSearchParams(location.search);
const task = { relay: query.get('relay'), port: Number(query.get('port')) };
const show = (id, text) => {
  document.getElementById(id).textContent = text;
};

for (const [id, worker] of [
  ['module-worker', new Worker('/module-worker.js', { type: 'module' })],
  ['classic-worker', new Worker('/classic-worker.js')],
]) {
  worker.onmessage = ({ data }) => show(id, data);
  worker.onerror = ({ message }) => show(id, `failed: ${message}`);
  worker.postMessage(task);
}
show('page', await talk(task));
