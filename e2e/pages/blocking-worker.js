/** The worker of blocking.html: connects, and runs functions of tests, which come as text. */
import * as library from './client/blocking.js';

Object.assign(globalThis, { kept: {}, library });

async function answer({ connect, options, body, given }) {
  if (connect === undefined) {
    const run = new Function('socket', 'given', 'kept', `return (${body})(socket, given, kept)`);
    return run(globalThis.socket, given, globalThis.kept);
  }
  globalThis.socket = await library.connect(connect, options);
}

addEventListener('message', async ({ data }) => {
  try {
    postMessage({ result: await answer(data) });
  } catch (error) {
    postMessage({ error: String(error) });
  }
});
