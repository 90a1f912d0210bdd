/** Our client, used as its readme shows. */

const HOST = '127.0.0.1';

/**
 * @param {typeof import('luasocket-web').connect} connect
 * @param {typeof globalThis.WebSocket} WebSocket
 * @returns {import('../types.ts').Dial}
 */
export const oursDial =
  (connect, WebSocket) =>
  async (place, url = place.url) => {
    const socket = await connect(`${url}/relay`, { strings: 'bytes', WebSocket });
    return {
      async stream(peer) {
        const [tcp, error] = await socket.connect(HOST, place.peers[peer]);
        if (!tcp) throw new Error(error);
        return {
          async write(bytes) {
            const [last, reason] = await tcp.send(bytes);
            if (last === null) throw new Error(reason);
          },
          async read(size) {
            const [bytes, reason] = await tcp.receive(size);
            if (bytes === null) throw new Error(reason);
            return bytes;
          },
          close: () => void tcp.close(),
        };
      },
      async datagrams(peer) {
        const [udp, error] = socket.udp();
        if (!udp) throw new Error(error);
        await socket.try(udp.setpeername(HOST, place.peers[peer]));
        let open = true;
        return {
          send: (bytes) => void udp.send(bytes),
          async receive() {
            const [bytes, reason] = await udp.receive();
            if (bytes === null) throw new Error(reason);
            // LuaSocket: a closed one receives empty datagrams for ever.
            if (!open) throw new Error('closed');
            return bytes.length;
          },
          close: () => {
            open = false;
            void udp.close();
          },
        };
      },
      close: () => socket.relay.close(),
    };
  };
