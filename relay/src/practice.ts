/** Servers to practise on: TCP echo, UDP echo, and a chat by lines. On loopback only; for `npm start`, not for strangers. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

const HOST = '127.0.0.1';
const ECHO_PORT = 7007;
const CHAT_PORT = 7008;
/** Bytes of one chat line; a longer one ends the connection. */
const MAX_LINE = 4096;

interface Place {
  readonly host: string;
  readonly port: number;
}

/** Where they listen; GET /practice.json. */
export interface PracticeServers {
  readonly tcpEcho: Place;
  readonly udpEcho: Place;
  readonly chat: Place;
}

export interface Practice {
  readonly servers: PracticeServers;
  close(): Promise<void>;
}

/** Ports 7007 (echo) and 7008 (chat); any other where these are taken. */
export async function startPractice(): Promise<Practice> {
  const open = new Set<Socket>();
  const track = (handle: (socket: Socket) => void) =>
    createServer((socket) => {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
      socket.on('error', () => socket.destroy());
      handle(socket);
    });
  const tcpEcho = track((socket) => socket.pipe(socket));
  const chat = track(createChat());
  const udpEcho = createSocket('udp4');
  udpEcho.on('message', (message, peer) => udpEcho.send(message, peer.port, peer.address));
  const echoPlace = await listen(tcpEcho, ECHO_PORT);
  const servers = {
    tcpEcho: echoPlace,
    udpEcho: await bind(udpEcho, echoPlace.port),
    chat: await listen(chat, CHAT_PORT),
  };
  return {
    servers,
    async close() {
      for (const socket of open) socket.destroy();
      udpEcho.close();
      await Promise.all([tcpEcho, chat].map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

async function listen(server: Server, wanted: number): Promise<Place> {
  try {
    server.listen(wanted, HOST);
    await once(server, 'listening');
  } catch (error) {
    if (wanted === 0) throw error;
    return listen(server, 0);
  }
  return { host: HOST, port: (server.address() as AddressInfo).port };
}

async function bind(socket: UdpSocket, wanted: number): Promise<Place> {
  try {
    socket.bind(wanted, HOST);
    await once(socket, 'listening');
  } catch (error) {
    if (wanted === 0) throw error;
    return bind(socket, 0);
  }
  socket.on('error', () => {});
  return { host: HOST, port: socket.address().port };
}

/** Whoever connects hears every line of the others. */
function createChat(): (socket: Socket) => void {
  const members = new Map<Socket, string>();
  let guests = 0;
  const tell = (text: string, except: Socket) => {
    for (const member of members.keys()) if (member !== except) member.write(`${text}\n`);
  };
  return (socket) => {
    const name = `guest${++guests}`;
    members.set(socket, name);
    socket.write(`welcome, you are ${name}; ${members.size - 1} others are here\n`);
    tell(`* ${name} has come`, socket);
    let rest = '';
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) tell(`${name}: ${line.replace(/\r$/, '')}`, socket);
      if (rest.length > MAX_LINE) socket.destroy();
    });
    socket.on('close', () => {
      members.delete(socket);
      tell(`* ${name} has gone`, socket);
    });
  };
}
