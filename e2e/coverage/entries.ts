/**
 * LuaSocket's API, entry by entry: how each is called here, an example of its arguments, and where the document and
 * the code of LuaSocket disagree. The names themselves are data (api-names.json), so that none can be forgotten here.
 */
import { readFileSync } from 'node:fs';

/** What an entry belongs to: the namespace, or an object of one class. */
export type Owner = 'socket' | 'master' | 'client' | 'server' | 'unconnected' | 'connected';

export interface Entry {
  readonly owner: Owner;
  /** Below the owner, e.g. `receive`, `dns.toip`. */
  readonly name: string;
  /** False for what LuaSocket has and its document does not name. */
  readonly documented: boolean;
}

type Names = { readonly [part in 'document' | 'beyond']: { readonly [owner in Owner]?: readonly string[] } };
const names = JSON.parse(readFileSync(new URL('./api-names.json', import.meta.url), 'utf8')) as Names;

export const entries: readonly Entry[] = (['document', 'beyond'] as const).flatMap((part) =>
  Object.entries(names[part]).flatMap(([owner, list]) =>
    list.map((name) => ({ owner: owner as Owner, name, documented: part === 'document' })),
  ),
);

/** Values that are no functions. */
export const CONSTANTS: ReadonlySet<string> = new Set(['_SETSIZE', '_VERSION', 'BLOCKSIZE']);

/** What needs no answer from the relay, and so answers at once instead of with a Promise. */
export const AT_ONCE: ReadonlySet<string> = new Set(
  'tcp tcp4 tcp6 udp udp4 udp6 settimeout getstats setstats setfd getfd dirty gettime skip newtry protect choose source sink'.split(
    ' ',
  ),
);

/** What these raise instead of answering, as LuaSocket does although its document lists them. */
export const RAISES: ReadonlyMap<string, string> = new Map(
  (['master', 'server'] as const).flatMap((owner) =>
    ['getstats', 'setstats'].map(
      (name) => [`${owner}:${name}`, `calling '${name}' on bad self (tcp{client} expected, got userdata)`] as const,
    ),
  ),
);

/** `socket.tcp`, `client:send`. */
export function keyOf({ owner, name }: Entry): string {
  return owner === 'socket' ? `socket.${name}` : `${owner}:${name}`;
}

/** How the entry is written in JavaScript. */
export function counterpart({ owner, name }: Entry): string {
  if (CONSTANTS.has(name)) return `${owner}.${name}`;
  return `${AT_ONCE.has(name) ? '' : 'await '}${owner}.${name}()`;
}

const LOCAL_NAME = 'Three results: address, port, family. The port is a string, as in LuaSocket 3.0-rc1.';
const PEER_NAME = 'Three results: address, port, family. The port is a number.';
const NO_STATS = 'Listed by the document, but LuaSocket has counters on clients only: it raises, and so does this.';
const STATS = 'Three results: bytes received, bytes sent, age in seconds.';
const ONE = 'Answers `[1]`, of which the document says nothing.';
const NOTHING = 'Answers `[]`: LuaSocket returns nothing here.';
const OPTIONS = 'An unknown option raises; one that the system refuses answers `[null, "setsockopt failed"]`.';
const GET_OPTIONS = 'Also reads `error`, the pending error, as words; reading clears it.';
const UDP_OPTIONS =
  '`dontroute`, `broadcast`, `reuseaddr`, `reuseport` and `ip-multicast-ttl` can be set but not read.';
const NO_PARTIAL = 'Two results: datagrams have no partial result. At most 8192 bytes, whatever `size` is.';
const BYTES = 'Answers the number of bytes; the document says 1.';
const STAR_REMOTE = 'As a remote address `*` is this machine (a resolver’s "no host"), not INADDR_ANY.';
const EAGER = 'IPv4; its descriptor exists at once.';
const EAGER6 = 'IPv6 with `ipv6-v6only` set; its descriptor exists at once.';

/** Where there is something to say beside the name. */
export const NOTES: ReadonlyMap<string, string> = new Map([
  ['client:close', ONE],
  ['client:getoption', GET_OPTIONS],
  ['client:setoption', OPTIONS],
  ['client:getpeername', PEER_NAME],
  ['client:getsockname', LOCAL_NAME],
  ['client:getstats', STATS],
  ['client:receive', 'Always three results: `[data, null, null]`, or `[null, reason, partial]`.'],
  ['client:send', 'Always three results: `[index, null, null]`, or `[null, reason, index]`.'],
  ['client:setfd', `${NOTHING} Descriptors are the session’s own, from 3 up.`],
  ['client:setstats', ONE],
  ['client:settimeout', `${ONE} The mode is \`b\` by default; \`r\` is \`t\`.`],
  ['client:shutdown', 'The mode is `both` by default. Answers `[1]` whatever the system says.'],
  ['connected:getpeername', PEER_NAME],
  ['connected:getoption', UDP_OPTIONS],
  ['connected:setoption', OPTIONS],
  ['connected:getsockname', LOCAL_NAME],
  ['connected:receive', NO_PARTIAL],
  ['connected:send', BYTES],
  ['connected:setpeername', '`"*"` makes the object unconnected again; no port is needed then.'],
  ['master:bind', 'Does not set `reuseaddr`; `socket.bind` does.'],
  ['master:connect', `The object is a client afterwards, even when connecting failed. ${STAR_REMOTE}`],
  ['master:getsockname', LOCAL_NAME],
  ['master:getstats', NO_STATS],
  ['master:setstats', NO_STATS],
  [
    'master:listen',
    'The backlog is 32 by default; the document gives none. Without `bind`, the system chooses the port.',
  ],
  ['master:setfd', NOTHING],
  ['master:settimeout', ONE],
  ['server:getsockname', LOCAL_NAME],
  ['server:getstats', NO_STATS],
  ['server:setstats', NO_STATS],
  ['server:setfd', NOTHING],
  ['server:setoption', OPTIONS],
  ['server:settimeout', ONE],
  ['socket._VERSION', '`LuaSocket 3.0-rc1`, the release that Defold’s API has.'],
  ['socket.connect', `Takes a fifth argument, the family of the remote address. ${STAR_REMOTE}`],
  ['socket.dns.toip', 'IPv4 only. For a dotted quad it looks up the name, as LuaSocket does.'],
  ['socket.dns.tohostname', 'IPv4 only.'],
  ['socket.gettime', 'A bare number, the relay’s clock.'],
  [
    'socket.newtry',
    'What the finalizer throws is ignored, save where the try had one argument: then it is what is raised.',
  ],
  [
    'socket.protect',
    'Catches what a try throws, and thrown arrays and plain objects; everything else passes through, strings too (the document says otherwise).',
  ],
  ['socket.select', 'The lists answer `.get(socket)`, Lua’s second kind of key. Sorted by descriptor.'],
  ['socket.skip', 'An array of what remains.'],
  ['socket.sleep', NOTHING],
  ['socket.tcp', EAGER],
  ['socket.tcp6', EAGER6],
  ['socket.udp', EAGER],
  ['socket.udp6', EAGER6],
  ['unconnected:getoption', UDP_OPTIONS],
  ['unconnected:setoption', OPTIONS],
  ['unconnected:getsockname', LOCAL_NAME],
  ['unconnected:receive', `${NO_PARTIAL} On a closed object \`[""]\`, which looks like an empty datagram.`],
  ['unconnected:receivefrom', 'At most 8192 bytes, whatever `size` is. The port is a number.'],
  ['unconnected:sendto', `${BYTES} The address must be a literal and the port a number.`],
  ['unconnected:setpeername', 'Host names are allowed, and `"*"`.'],
]);
