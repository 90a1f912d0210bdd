/** An example: a frame loop, in which no call waits. */
import { connect, type TcpSocket } from 'luasocket-web/poll';
import source from './poll.ts?raw';
import { play } from './stage.ts';

play(async ({ relay, practice, print }) => {
  const socket = await connect(relay); // the only thing to wait for

  const [ball] = socket.try(socket.udp());
  const { host, port } = practice.udpEcho;
  ball.sendto('ping', host, port);
  let served = performance.now();

  const [server] = socket.try(socket.bind('127.0.0.1', 0)); // the port is known at once
  const [address, at] = server.getsockname();
  print(`this tab listens. In a terminal: nc ${address} ${at}`);
  const guests = new Map<TcpSocket<'sync'>, string>(); // and what they have said of a line

  function frame() {
    const [pong] = ball.receivefrom(); // null: nothing has come yet
    if (pong !== null) {
      print(pong, 'was back after', Math.round(performance.now() - served), 'ms');
      setTimeout(() => {
        served = performance.now();
        ball.sendto('ping', host, port);
      }, 1000);
    }

    const [guest, reason] = server.accept(); // null, "timeout": nobody is there
    if (guest !== null) guests.set(guest, '');
    else if (reason !== 'timeout') throw new Error(reason);

    for (const [one, before] of guests) {
      const [line, error, partial] = one.receive('*l', before);
      if (line !== null) {
        print('a guest says:', line);
        one.send(`${line.toUpperCase()}\n`);
      } else if (error === 'closed') {
        one.close();
        guests.delete(one);
        continue;
      }
      guests.set(one, partial ?? '');
    }
    requestAnimationFrame(frame);
  }
  requestAnimationFrame(frame);
}, source);
