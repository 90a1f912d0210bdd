// A game's backend that gives each player a ticket: `node mint-ticket.mjs keys.json`, where keys.json is what
// `luasocket-relay keygen` printed; then fetch('/ticket') from the page. Any JWT library does the same (EdDSA, Ed25519).
import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { privateKey: jwk } = JSON.parse(readFileSync(process.argv[2] ?? 'keys.json', 'utf8'));
const key = createPrivateKey({ key: jwk, format: 'jwk' });
const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');

const server = createServer((_request, response) => {
  // Here the backend would look who is asking: `sub` is the player, `net` what the game needs.
  const exp = Math.floor(Date.now() / 1000) + 60;
  const claims = { sub: 'player', aud: 'luasocket-relay', exp, jti: randomUUID(), net: { listen: false } };
  const token = `${encode({ alg: 'EdDSA', kid: jwk.kid })}.${encode(claims)}`;
  response.end(`${token}.${sign(null, Buffer.from(token), key).toString('base64url')}`);
});
server.listen(Number(process.env.PORT ?? 8090), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/ticket`);
});
