/** One relay among several: its name in WELCOME and in paths. What a balancer makes of it is in e2e/node/balanced.test.ts. */
import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { createRelay, type Relay } from 'luasocket-relay';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { RawClient } from './support/client.ts';
import { startRelay } from './support/relay.ts';

/** The relay as it is reached at another path. */
function at({ address }: Relay, path: string): Pick<Relay, 'address'> & Relay {
  return { address: { ...address, url: address.url + path } } as Relay;
}

/** The HTTP status with which an upgrade is refused. */
async function refusal({ address }: Pick<Relay, 'address'>): Promise<number | undefined> {
  const ws = new WebSocket(address.url);
  const [request, response] = (await once(ws, 'unexpected-response')) as [ClientRequest, IncomingMessage];
  request.destroy();
  return response.statusCode;
}

test('WELCOME tells the name, or that there is none', async () => {
  const named = await RawClient.connect(await startRelay({ nodeId: 'node1' }));
  expect(named.welcome.node).toBe('node1');
  const alone = await RawClient.connect(await startRelay());
  expect(alone.welcome.node).toBeNull();
});

test.each(['', 'a b', 'a/b', '../x', 'n'.repeat(33), 'nøde'])('%j is no name', async (nodeId) => {
  await expect(createRelay({ listen: '127.0.0.1:0', nodeId })).rejects.toThrow('nodeId: expected 1 to 32 of');
});

describe('the path of a node', () => {
  test('leads to its sessions', async () => {
    const relay = await startRelay({ nodeId: 'node1' });
    const client = await RawClient.connect(relay);
    client.ws.terminate();
    await client.closed;
    const again = await RawClient.resume(at(relay, '/node1?x=1'), client, { ...client.welcome, generation: 2 });
    await again.next('resumed');
  });

  test.each([{ nodeId: 'node2' }, {}])(
    'at the relay %j: it tells at once that the session is not here',
    async (config) => {
      const relay = await startRelay(config);
      const client = await RawClient.dial(at(relay, '/node1'));
      // The challenge of another process is enough for a client; who only reads faults gets one.
      await client.next('challenge');
      expect(await client.next('fault')).toMatchObject({ code: 'not_resumable' });
      expect((await client.closed).code).toBe(4010);
      expect(relay.stats.sessions).toBe(0);
    },
  );

  test.each(['/', '/a/b', '/a%20b', `/${'n'.repeat(33)}`, 'x'])('%j is none', async (path) => {
    expect(await refusal(at(await startRelay({ nodeId: 'node1' }), path))).toBe(404);
  });
});

test('while it drains, who resumes is let in, and a balancer is told to take who is new elsewhere', async () => {
  const relay = await startRelay({ nodeId: 'node1', limits: { drainSeconds: 60 } });
  const client = await RawClient.connect(relay);
  const drained = relay.drain();
  await client.next('goaway');
  expect(await refusal(relay)).toBe(503);
  client.ws.terminate();
  await client.closed;
  const again = await RawClient.resume(at(relay, '/node1'), client, { ...client.welcome, generation: 2 });
  await again.next('resumed');
  again.ws.close(1000);
  await drained;
});
