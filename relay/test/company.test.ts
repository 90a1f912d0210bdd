/** Frames of one turn share a message, also after many that went alone. */
import { expect, test } from 'vitest';
import { RawClient } from './support/client.ts';
import { startRelay } from './support/relay.ts';

const BURST = 40;
/** A lone frame goes at once; one in so many is kept for company, and finds it. */
const PROBE = 8;

test('answers to one message come in few, and then in one, however lonely they were before', async () => {
  const client = await RawClient.connect(await startRelay());
  let messages = 0;
  client.ws.on('message', () => messages++);
  let token = 0;
  const ask = async (count: number): Promise<number> => {
    const before = messages;
    const tokens = Array.from({ length: count }, () => ++token);
    client.send(...tokens.map((each) => ({ type: 'ping', token: each }) as const));
    for (const each of tokens) await client.next('pong', (pong) => pong.token === each);
    return messages - before;
  };
  // The relay's own first frames are not counted.
  await ask(1);
  for (let lonely = 0; lonely < 4 * PROBE + 3; lonely++) expect(await ask(1)).toBe(1);
  const first = await ask(BURST);
  expect(first).toBeLessThanOrEqual(PROBE);
  expect(await ask(BURST)).toBe(1);
});
