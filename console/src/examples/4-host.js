// Host a TCP server in this tab
const [server, error] = await socket.bind('127.0.0.1', 0);
if (!server) throw new Error(error);
const [host, port] = await server.getsockname();
print(`A real server, in this tab. In a terminal: nc ${host} ${port}   (Stop ends it)`);

async function serve(client) {
  print('accepted', ...(await client.getpeername()));
  await client.send('You are connected to a browser tab. Type a line.\n');
  for (;;) {
    const [line] = await client.receive('*l');
    if (line === null) break;
    print('heard', line);
    await client.send(`${line.toUpperCase()}\n`);
  }
  print('gone');
  await client.close();
}

for (;;) {
  const [client] = await server.accept();
  if (!client) break;
  serve(client);
}
