/** Names for who cannot wait: asked once, kept for a while, forgotten in the end. */
import { expect, test } from 'vitest';
import { type Channel, type Endpoints, Failure } from '../../src/core/channel.ts';
import { NameCache } from '../../src/session/name-cache.ts';
import { outcome, Scripted } from './scripted.ts';

function cached() {
  const relay = new Scripted();
  const clock = { now: 1000 };
  const channel: Channel = Object.assign(Object.create(relay.channel), { now: () => clock.now });
  // The channel's own methods reach its private parts.
  channel.hostent = (name) => relay.channel.hostent(name);
  channel.lookup = (...question) => relay.channel.lookup(...question);
  return { relay, clock, cache: new NameCache(channel) };
}

test('a question under way, and one that is answered, is not asked again', () => {
  const { relay, clock, cache } = cached();
  const pending = cache.hostent('a');
  expect(cache.hostent('a')).toBe(pending);
  relay.answer('hostent', ['a', [], ['127.0.0.1']]);
  clock.now += 29.9;
  expect(outcome(cache.hostent('a'))).toEqual({ name: 'a', aliases: [], addresses: ['127.0.0.1'] });
  expect(relay.sent).toEqual([]);
  clock.now += 0.2;
  expect(outcome(cache.hostent('a'))).toBe('pending');
  relay.expect('hostent');
});

test('the time counts from the answer, however long that took', () => {
  const { relay, clock, cache } = cached();
  cache.hostent('a');
  clock.now += 100;
  relay.answer('hostent', ['a', [], []]);
  clock.now += 20;
  cache.hostent('a');
  expect(relay.sent).toEqual([]);
});

test('an answer holds as long as the resolver says, and not for ever', () => {
  const { relay, clock, cache } = cached();
  cache.hostent('short');
  relay.answer('hostent', ['short', [], [], 7]);
  cache.hostent('short');
  clock.now += 7;
  cache.hostent('short');
  relay.expect('hostent');
  cache.lookup('long', '80', 4, 'tcp', 'connect');
  relay.answer('resolve', [new Uint8Array([127, 0, 0, 1, 0, 80]), 100_000]);
  const known = cache.lookup('long', '80', 4, 'tcp', 'connect');
  expect([...(known.result as Endpoints)]).toEqual([{ family: 4, address: '127.0.0.1', port: 80 }]);
  clock.now += 299;
  expect(cache.lookup('long', '80', 4, 'tcp', 'connect')).toBe(known);
  clock.now += 1;
  cache.lookup('long', '80', 4, 'tcp', 'connect');
  relay.expect('resolve');
});

test('however short its life, who asked gets it', () => {
  const { relay, clock, cache } = cached();
  cache.hostent('a');
  relay.answer('hostent', ['a', [], [], 0]);
  clock.now += 60;
  expect(outcome(cache.hostent('a'))).toMatchObject({ name: 'a' });
  expect(outcome(cache.hostent('a'))).toBe('pending');
});

test('a failure is asked again sooner', () => {
  const { relay, clock, cache } = cached();
  cache.hostent('a');
  relay.answer('hostent', new Failure('HOST_NOT_FOUND'));
  cache.hostent('a');
  clock.now += 4.9;
  expect(outcome(cache.hostent('a'))).toBe('HOST_NOT_FOUND');
  clock.now += 0.2;
  cache.hostent('a');
  relay.expect('hostent');
});

test('questions differ in every part, and the oldest of many is forgotten', () => {
  const { relay, cache } = cached();
  cache.lookup('a', '80', 4, 'tcp', 'connect');
  cache.lookup('a', '80', 6, 'tcp', 'connect');
  cache.lookup('a', '81', 4, 'tcp', 'connect');
  cache.lookup('a', '80', 4, 'udp', 'connect');
  cache.lookup('a', '80', 4, 'tcp', 'bind');
  cache.lookup('a', null, 4, 'tcp', 'connect');
  expect(relay.sent.splice(0)).toHaveLength(6);
  for (let i = 0; i < 256; i++) cache.hostent(`name ${i}`);
  relay.sent.splice(0);
  cache.hostent('name 0');
  expect(relay.sent).toEqual([]);
  cache.lookup('a', '80', 4, 'tcp', 'connect');
  relay.expect('resolve');
});
