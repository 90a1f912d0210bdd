// select: wait for several sockets at once
const { host, port } = practice.tcpEcho;
const waiting = new Set();
for (let number = 1; number <= 3; number++) {
  const [client] = await socket.connect(host, port);
  await client.send(`client ${number}\n`);
  waiting.add(client);
}
while (waiting.size > 0) {
  const [readable, , error] = await socket.select([...waiting], null, 2);
  if (error) throw new Error(error);
  for (const client of readable) {
    const [line] = await client.receive('*l');
    print(line);
    await client.close();
    waiting.delete(client);
  }
}
