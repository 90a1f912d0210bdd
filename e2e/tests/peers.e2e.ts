/** The peers themselves, over Node's sockets: when a story fails, this tells whether its peer was at fault. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { NGINX_BODY } from '../fixtures/peers.ts';
import { expect, test } from '../fixtures/test.ts';

/** Connects, sends, ends if told so, and returns everything that came until the other end closed. */
async function exchange(port: number, text: string, { half = false, host = '127.0.0.1' } = {}): Promise<Buffer> {
  const socket = connect({ port, host, allowHalfOpen: true });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  if (half) socket.end(text);
  else socket.write(text);
  await once(socket, 'end');
  socket.end();
  return Buffer.concat(chunks);
}

test('lua: lines, the whole, noise, names, IPv6', async ({ luaServer }) => {
  expect(String(await exchange(luaServer.port, 'lines\none\ntwo\nbye\n'))).toBe('1: one\r\n2: two\r\nbye\r\n');
  const sum = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'; // FIPS 180-2, appendix B.1
  expect(String(await exchange(luaServer.port, 'all\nabc', { half: true }))).toBe(`3 ${sum} closed\n`);
  expect(String(await exchange(luaServer.port, 'count 3\nabcdef', { half: true }))).toBe('cbafed');
  expect(await exchange(luaServer.port, `send ${luaServer.noise.path}\n`)).toHaveLength(luaServer.noise.size);
  expect(String(await exchange(luaServer.port6, 'names\n', { host: '::1' }))).toMatch(
    /^::1 \d+ inet6\n::1 \d+ inet6\n$/,
  );
});

test('redis', async ({ redis }) => {
  expect(String(await exchange(redis.port, 'PING\r\nQUIT\r\n'))).toBe('+PONG\r\n+OK\r\n');
});

test('nginx', async ({ nginx }) => {
  const answer = String(await exchange(nginx.port, 'GET /hello.txt HTTP/1.0\r\n\r\n'));
  expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n/);
  expect(answer.endsWith(`\r\n\r\n${NGINX_BODY}`)).toBe(true);
});

test('dnsmasq', async ({ dnsmasq }) => {
  const { Resolver } = await import('node:dns/promises');
  const resolver = new Resolver();
  resolver.setServers([`127.0.0.1:${dnsmasq.port}`]);
  expect(await resolver.resolve4('far.test')).toEqual(['192.0.2.7']);
  expect(await resolver.resolve6('far.test')).toEqual(['2001:db8::7']);
});
