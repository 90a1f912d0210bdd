/** The peers that attackers' sockets lead to, and the name server: a process of its own. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { answerWith } from './children.ts';

/** What attackers' tickets grant lies in 127.1.0.0/16. */
const ADDRESS = '127.1.0.1';
const NAME_SERVER = '127.3.0.1';
const BLOCK = Buffer.alloc(65_536, 0x61);

async function listen(take: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    take(socket);
  });
  server.listen(0, ADDRESS);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Sends for as long as somebody reads, at most so many bytes. */
function pour(socket: Socket, bytes: number): void {
  let left = bytes;
  const more = () => {
    while (left > 0 && !socket.destroyed) {
      left -= BLOCK.length;
      if (!socket.write(BLOCK)) return;
    }
    socket.end();
  };
  socket.on('drain', more).resume();
  more();
}

async function udp(answers: number): Promise<number> {
  const socket = createSocket('udp4');
  socket.on('message', (message, { port, address }) => {
    for (let i = 0; i < answers; i++) socket.send(message, port, address, () => {});
  });
  socket.on('error', () => {});
  socket.bind(0, ADDRESS);
  await once(socket, 'listening');
  return socket.address().port;
}

/** Where a question's name ends (RFC 1035, 4.1.2). */
function endOfQuestion(query: Buffer): number {
  let at = 12;
  while ((query[at] ?? 0) !== 0) at += 1 + (query[at] ?? 0);
  return at + 5;
}

/** Answers names by chance, so to say: with nothing, refusals, nonsense, and addresses that no policy lets pass. */
function answerName(query: Buffer): Buffer | null {
  if (query.length < 17) return null;
  const kind = query.reduce((sum, byte) => (sum * 31 + byte) >>> 0, 7) % 8;
  if (kind === 0) return null;
  if (kind === 1) return Buffer.concat([query.subarray(0, 2), Buffer.alloc(kind * 3, 0xff)]);
  const question = query.subarray(12, endOfQuestion(query));
  const type = question.readUInt16BE(question.length - 4);
  const found = kind > 4 && (type === 1 || type === 28);
  const code = found ? 0 : kind === 2 ? 2 : kind === 3 ? 0 : 3;
  const head = Buffer.from(query.subarray(0, 12));
  head.writeUInt16BE(0x8180 | code, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(found ? 1 : 0, 6);
  head.writeUInt32BE(0, 8);
  if (!found) return Buffer.concat([head, question]);
  const address = type === 1 ? [10, 0, 0, kind] : [0xfd, ...new Array(14).fill(0), kind];
  return Buffer.concat([
    head,
    question,
    Buffer.of(0xc0, 12, 0, type, 0, 1, kind === 7 ? 0xff : 0, 0, 0, 60, 0, address.length, ...address),
  ]);
}

const nameServer = createSocket('udp4');
let lookups = 0;
nameServer.on('message', (query, { port, address }) => {
  lookups++;
  const answer = answerName(query);
  if (answer) nameServer.send(answer, port, address, () => {});
});
nameServer.bind(0, NAME_SERVER);
await once(nameServer, 'listening');

const tcp = await Promise.all([
  listen((socket) => socket.pipe(socket)),
  listen((socket) => pour(socket, 4 * 1024 * 1024)),
  listen((socket) => socket.resume()),
  listen(() => {}), // never reads
  listen((socket) => socket.resetAndDestroy()),
  listen((socket) => socket.end('bye')),
]);
const closed = 1;
const places = {
  address: ADDRESS,
  tcp: [...tcp, closed],
  udp: [await udp(1), await udp(20), closed],
  nameServer: `${NAME_SERVER}:${nameServer.address().port}`,
};

const methods = {
  places: (_: null) => places,
  /** Look-ups that have come so far. */
  lookups: (_: null) => lookups,
};
export type World = typeof methods;
answerWith(methods);
