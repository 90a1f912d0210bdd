/** Keys and origins that change while a relay runs. What SIGHUP does is in cli.test.ts. */
import { describe, expect, test } from 'vitest';
import { RawClient } from './support/client.ts';
import { startRelay } from './support/relay.ts';
import { knock, newKey, ORIGIN } from './support/tickets.ts';

const result = async (...given: Parameters<typeof knock>): Promise<string> => (await knock(...given))[0];

describe('a relay', () => {
  test('takes over other keys: tickets of those that are gone are refused, sessions go on', async () => {
    const [old, next] = [await newKey('old'), await newKey('next')];
    const relay = await startRelay({ mode: 'public', origins: [ORIGIN], ticketKeys: [old.publicKey] });
    const [, session] = await knock(relay, old);
    expect(await result(relay, next)).toBe('unauthorized');
    await relay.reload({ ticketKeys: [old.publicKey, next.publicKey] });
    expect([await result(relay, old), await result(relay, next)]).toEqual(['welcome', 'welcome']);
    await relay.reload({ ticketKeys: [next.publicKey] });
    expect([await result(relay, old), await result(relay, next)]).toEqual(['unauthorized', 'welcome']);
    await session.barrier();
  });

  test.each([
    ['no key', { ticketKeys: [] }, '--ticket-keys'],
    ['no file', { ticketKeys: ['/nonexistent/key.json'] }, '/nonexistent/key.json'],
    ['no origin', { origins: [] }, '--origins'],
    ['an origin that is none', { origins: ['https://game.example/path'] }, 'origins'],
    ['new origins with bad keys', { origins: ['https://new.example'], ticketKeys: [{ kty: 'RSA' }] }, 'ticketKeys'],
  ])('with %s: rejects, and all is as before', async (_, changes, named) => {
    const key = await newKey('only');
    const relay = await startRelay({ mode: 'public', origins: [ORIGIN], ticketKeys: [key.publicKey] });
    await expect(relay.reload(changes)).rejects.toThrow(named);
    expect(await result(relay, key)).toBe('welcome');
    await expect(RawClient.dial(relay, { origin: 'https://new.example' })).rejects.toThrow('403');
    await relay.reload();
    expect(await result(relay, key)).toBe('welcome');
  });

  test('takes over other origins, in development mode too', async () => {
    const relay = await startRelay({ origins: [ORIGIN] });
    await RawClient.dial(relay, { origin: ORIGIN });
    await relay.reload({ origins: ['https://new.example'] });
    await RawClient.dial(relay, { origin: 'https://new.example' });
    await expect(RawClient.dial(relay, { origin: ORIGIN })).rejects.toThrow('403');
  });

  test('reads as often as it is told, the last one counts', async () => {
    const keys = [await newKey('a'), await newKey('b'), await newKey('c')] as const;
    const relay = await startRelay({ mode: 'public', origins: [ORIGIN], ticketKeys: [keys[0].publicKey] });
    await Promise.all(keys.map(({ publicKey }) => relay.reload({ ticketKeys: [publicKey] })));
    expect(await Promise.all(keys.map((key) => result(relay, key)))).toEqual([
      'unauthorized',
      'unauthorized',
      'welcome',
    ]);
  });
});
