// Chat: two clients in one tab
const { host, port } = practice.chat;
const [ann] = await socket.connect(host, port);
const [bob] = await socket.connect(host, port);
ann.settimeout(2);
bob.settimeout(2);

await ann.send('Hello, this is Ann.\n');
print('Bob reads:', ...(await bob.receive('*l')));
await bob.send('Hello Ann!\n');
print('Ann reads:', ...(await ann.receive('*l')));

await ann.close();
await bob.close();
