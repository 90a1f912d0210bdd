/** The worker of blocking.html: connects, and runs functions of tests, which come as text. */
import * as library from './client/blocking.js';

globalThis.library = library;

async function answer({ connect, options, script, body, given }) {
  if (script !== undefined) return new Function(script)();
  if (connect === undefined) {
    const run = new Function('socket', 'given', 'kept', 'tools', `return (${body})(socket, given, kept, tools)`);
    return run(globalThis.socket, given, globalThis.kept, globalThis.tools);
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
