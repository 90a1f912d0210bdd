/** An example: calls that block, as in Lua. */
import { connect } from 'luasocket-web/blocking';

const print = (...values: readonly unknown[]) => postMessage(values.map(String));

addEventListener('message', async ({ data: { relay, echo, workerUrl } }) => {
  const socket = await connect(relay, { workerUrl }); // from here on nothing is awaited

  const [client] = socket.try(socket.connect(echo.host, echo.port));
  client.send('hello from a worker\n');
  print('the echo server says:', ...client.receive('*l')); // blocks until the line is there
  client.close();

  const [server] = socket.try(socket.bind('127.0.0.1', 0));
  const [address, at] = server.getsockname();
  print(`now this worker listens. In a terminal: nc ${address} ${at}`);
  for (;;) {
    const [guest] = server.accept(); // blocks until somebody comes
    if (!guest) break;
    for (;;) {
      const [line] = guest.receive('*l');
      if (line === null) break;
      print('a guest says:', line);
      guest.send(`${line.toUpperCase()}\n`);
    }
    guest.close();
  }
});
