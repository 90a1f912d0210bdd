/** The client of wisp-js, which its own server and wisp-server-node have: many streams on one WebSocket. */
import { Inbox, Letterbox } from './inbox.mjs';
import { hold } from './sockets.mjs';

const OPENING_MILLISECONDS = 25;

/**
 * @param {typeof import('@mercuryworkshop/wisp-js/client').ClientConnection} ClientConnection
 * @param {number} version Of the protocol; 1 for servers that know no other.
 * @returns {import('../types.ts').Dial}
 */
export const wispDial =
  (ClientConnection, version) =>
  async (place, url = place.url) => {
    const connection = new ClientConnection(`${url}/`, { wisp_version: version });
    await new Promise((resolve, reject) => {
      connection.onopen = () => resolve(undefined);
      connection.onerror = () => reject(new Error('no WebSocket'));
      connection.onclose = () => reject(new Error('the WebSocket was closed'));
    });
    return {
      async stream(peer) {
        const stream = connection.create_stream('127.0.0.1', place.peers[peer]);
        const inbox = new Inbox((held) => hold(connection.ws, held));
        stream.onmessage = (bytes) => inbox.put(bytes.length);
        stream.onclose = () => inbox.end('the stream has ended');
        return {
          write: (bytes) => stream.send(bytes),
          read: (size) => inbox.read(size),
          close: () => stream.close(),
        };
      },
      async datagrams(peer) {
        const stream = connection.create_stream('127.0.0.1', place.peers[peer], 'udp');
        const letterbox = new Letterbox();
        stream.onmessage = (bytes) => letterbox.put(bytes.length);
        stream.onclose = () => letterbox.end('the stream has ended');
        // wisp does not say when it is open, and wisp-server-node ends the connection for a datagram that comes before.
        await new Promise((resolve) => setTimeout(resolve, OPENING_MILLISECONDS));
        return {
          send: (bytes) => stream.send(bytes),
          receive: () => letterbox.receive(),
          close: () => stream.close(),
        };
      },
      close: () => connection.close(),
    };
  };
