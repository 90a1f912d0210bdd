/** An example: calls that answer Promises. */
import { connect } from 'luasocket-web';
import source from './promise.ts?raw';
import { play } from './stage.ts';

play(async ({ relay, practice, print }) => {
  const socket = await connect(relay);

  // A client: every call is awaited.
  const { host, port } = practice.tcpEcho;
  const [client] = await socket.try(socket.connect(host, port));
  await client.send('hello from a tab\n');
  print('the echo server says:', ...(await client.receive('*l')));
  await client.close();

  // A server: as many waiting calls as there are guests.
  const [server] = await socket.try(socket.bind('127.0.0.1', 0));
  const [address, at] = await server.getsockname();
  print(`now this tab listens. In a terminal: nc ${address} ${at}`);
  for (;;) {
    const [guest] = await server.accept();
    if (!guest) break;
    (async () => {
      for (;;) {
        const [line] = await guest.receive('*l');
        if (line === null) break;
        print('a guest says:', line);
        await guest.send(`${line.toUpperCase()}\n`);
      }
      await guest.close();
    })();
  }
}, source);
