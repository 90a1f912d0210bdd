/** A name server on loopback that answers from a table, or as badly as a test wants. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type Answer, decode, encode, type Question, RECURSION_DESIRED } from 'dns-packet';
import { onTestFinished } from 'vitest';

/** Response codes of RFC 1035, 4.1.1. */
export const RCODE = { ok: 0, serverFailure: 2, noSuchName: 3, refused: 5 } as const;

export interface NameServer {
  /** As `--dns-server` takes it. */
  readonly address: string;
  /** What was asked, e.g. `A game.example`. */
  readonly asked: string[];
}

/** @param answer records, or a response code, or null for silence. */
export async function startNameServer(answer: (question: Question) => Answer[] | number | null): Promise<NameServer> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  /** Answers given: who is not heard in time asks again with the same number, and means the same question. */
  const given = new Map<string, Uint8Array>();
  socket.on('message', (message, peer) => {
    const query = decode(message);
    const [question] = query.questions ?? [];
    if (!question) return;
    const key = `${peer.port} ${query.id} ${question.type} ${question.name}`;
    const again = given.get(key);
    if (again) {
      socket.send(again, peer.port, peer.address);
      return;
    }
    asked.push(`${question.type} ${question.name}`);
    const result = answer(question);
    if (result === null) return;
    const reply = encode({
      type: 'response',
      id: query.id ?? 0,
      // The response code stands in the lowest four bits.
      flags: RECURSION_DESIRED | (typeof result === 'number' ? result : RCODE.ok),
      questions: [question],
      answers: typeof result === 'number' ? [] : result,
    });
    given.set(key, reply);
    socket.send(reply, peer.port, peer.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  return { address: `127.0.0.1:${socket.address().port}`, asked };
}
