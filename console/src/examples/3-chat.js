// Chat: two clients in one tab
const { host, port } = practice.chat;
const [ann] = await socket.connect(host, port);
print('Ann reads:', (await ann.receive('*l'))[0]);
const [bob] = await socket.connect(host, port);
print('Bob reads:', (await bob.receive('*l'))[0]);
print('Ann reads:', (await ann.receive('*l'))[0]);

await ann.send('Hello, this is Ann.\n');
print('Bob reads:', (await bob.receive('*l'))[0]);
await bob.send('Hello Ann!\n');
print('Ann reads:', (await ann.receive('*l'))[0]);

await ann.close();
await bob.close();
