/** The script build in a classic worker. */
importScripts('/client/luasocket-web.global.js');

addEventListener('message', async ({ data: { relay, port } }) => {
  try {
    const socket = await LuaSocketWeb.connect(relay);
    const [c, error] = await socket.connect('127.0.0.1', port);
    if (c === null) throw new Error(error);
    await c.send('lines\nhello\nbye\n');
    postMessage(`${(await c.receive())[0]}, ${(await c.receive())[0]}`);
    socket.relay.close();
  } catch (error) {
    postMessage(String(error));
  }
});
