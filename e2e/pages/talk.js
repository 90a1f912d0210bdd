/** What the pages and workers without a test's hand in them do: a short conversation with a Lua server. */
import { connect } from '/client/index.js';

/** @returns {Promise<string>} what the server answered, or what went wrong */
export async function talk({ relay, port }) {
  try {
    const socket = await connect(relay);
    const [c, error] = await socket.connect('127.0.0.1', port);
    if (c === null) return `no connection: ${error}`;
    await c.send('lines\nhello\nbye\n');
    const [first] = await c.receive();
    const [last] = await c.receive();
    await c.close();
    socket.relay.close();
    return `${first}, ${last}`;
  } catch (error) {
    return String(error);
  }
}
