// TCP: talk to an echo server
const { host, port } = practice.tcpEcho;
const [client, error] = await socket.connect(host, port);
if (!client) throw new Error(error);

await client.send('hello from a browser tab\n');
const [line, failure] = await client.receive('*l');
print(line ?? failure);

print('from', ...(await client.getsockname()), 'to', ...(await client.getpeername()));
await client.close();
