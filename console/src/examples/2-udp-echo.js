// UDP: send a datagram, wait for its echo
const { host, port } = practice.udpEcho;
const [udp] = socket.udp();
udp.settimeout(2);

await udp.sendto('ping', host, port);
const [datagram, from, fromPort] = await udp.receivefrom();
print(datagram, 'from', from, fromPort);
await udp.close();
