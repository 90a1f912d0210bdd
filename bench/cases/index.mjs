/** The cases as the report sees them: what is measured, in what unit, of whom. */
import { flatness, SESSIONS, SIZES, SOCKETS } from './growth.mjs';

/** @typedef {import('../types.ts').Case} Case */
/** @typedef {import('../types.ts').Metric} Metric */

const ALL = ['ours', 'other', 'ideal', 'raw', 'wisp-js', 'wisp-server-node', 'websockify'];
/** Not wisp-server-node: where it should send a datagram, Node 20 and later throw, and it ends the WebSocket. */
const WITH_UDP = ['ours', 'other', 'ideal', 'raw', 'wisp-js'];

/** @type {(key: string, title: string, unit: string) => Metric} */
const less = (key, title, unit) => ({ key, title, unit, better: 'less' });
/** @type {(key: string, title: string, unit: string) => Metric} */
const more = (key, title, unit) => ({ key, title, unit, better: 'more' });

/** @type {readonly Metric[]} */
const ROUNDTRIP = [less('p50', 'p50', 'us'), less('p99', 'p99', 'us'), less('cpu', 'relay CPU', 'us/round')];
const BULK = [more('rate', 'throughput', 'MiB/s'), less('cpu', 'relay CPU', 's/GiB')];

/** @type {readonly Metric[]} */
const DATAGRAMS = [more('rate', 'received', '1/s'), less('cpu', 'relay CPU', 'us/datagram')];
/** @type {readonly Metric[]} */
const NEIGHBOUR = [
  less('growth', 'relay grows', 'MiB'),
  less('p99', "the other's p99", 'us'),
  less('worse', 'p99, loaded to unloaded', 'x'),
];

/** @type {readonly Metric[]} */
const GROWTH = [
  ...SOCKETS.map((count) => less(`sockets-${count}`, `${count} sockets in the session, relay CPU`, 'us/message')),
  { ...less('sockets', 'sockets, dearest to cheapest', 'x'), of: (figures) => flatness(figures).sockets },
  ...SESSIONS.map((count) => less(`sessions-${count}`, `${count} sessions, relay CPU`, 'us/message')),
  { ...less('sessions', 'sessions, dearest to cheapest', 'x'), of: (figures) => flatness(figures).sessions },
  ...SIZES.map((size) => less(`bytes-${size}`, `messages of ${size} B, relay CPU`, 'us/message')),
  { ...less('sizes', 'sizes, dearest to the line through the ends', 'x'), of: (figures) => flatness(figures).sizes },
];

/** @type {(as: string, title: string, metrics: readonly Metric[]) => Case} */
const inPage = (as, title, metrics) => ({
  name: `browser-${as}`,
  group: 'browser',
  as,
  title,
  metrics,
  contenders: WITH_UDP,
  where: 'page',
});

/** @type {readonly Case[]} */
export const CASES = [
  { name: 'roundtrip', title: 'TCP round trip, 64 B', metrics: ROUNDTRIP, contenders: ALL, where: 'node' },
  { name: 'udp-roundtrip', title: 'UDP round trip, 64 B', metrics: ROUNDTRIP, contenders: WITH_UDP, where: 'node' },
  { name: 'download', title: 'Download, one stream', metrics: BULK, contenders: ALL, where: 'node' },
  { name: 'upload', title: 'Upload, one stream', metrics: BULK, contenders: ALL, where: 'node' },
  {
    name: 'streams',
    title: '200 streams, 64 B to and fro on all at once',
    metrics: [more('rate', 'messages', '1/s'), less('cpu', 'relay CPU', 'us/message')],
    contenders: ALL,
    where: 'node',
  },
  {
    name: 'datagrams',
    title: 'Datagrams of 64 B pushed into the client',
    metrics: DATAGRAMS,
    contenders: WITH_UDP,
    where: 'node',
  },
  {
    name: 'loaded',
    title: 'TCP round trip, 64 B, while the same client downloads',
    metrics: [
      less('p50', 'p50', 'us'),
      less('p99', 'p99', 'us'),
      less('worse', 'p99, loaded to unloaded', 'x'),
      more('rate', 'the download', 'MiB/s'),
    ],
    contenders: ALL,
    where: 'node',
  },
  {
    name: 'idle',
    title: '1,000 streams opened (websockify: 100), then idle',
    metrics: [less('open', 'to open one and hear from it', 'us'), less('rss', 'relay memory', 'KiB/stream')],
    contenders: ALL,
    fresh: true,
    where: 'node',
  },
  {
    name: 'slow',
    title: 'One client reads 1 MiB/s of 200 MiB, another has a TCP round trip of 64 B',
    metrics: NEIGHBOUR,
    contenders: ALL,
    fresh: true,
    where: 'node',
  },
  {
    name: 'frozen',
    title: 'One client freezes with 200 MiB on their way to it, another has a TCP round trip of 64 B',
    metrics: NEIGHBOUR,
    contenders: ALL,
    fresh: true,
    where: 'node',
  },
  {
    name: 'cut',
    title: "The WebSocket's TCP connection is cut after 8 of 64 MiB",
    metrics: [
      less('lost', 'bytes lost', 'MiB'),
      less('streams', 'other streams lost', 'of 10'),
      less('gap', 'longest wait for a byte', 'ms'),
    ],
    contenders: ALL,
    where: 'node',
  },
  inPage('roundtrip', 'In a page of Chromium: TCP round trip, 64 B', ROUNDTRIP),
  inPage('download', 'In a page: download, one stream', BULK),
  inPage('upload', 'In a page: upload, one stream', BULK),
  inPage('datagrams', 'In a page: datagrams of 64 B pushed into it', DATAGRAMS),
  {
    name: 'growth',
    title: 'A message of 64 B and its echo, as there is more of everything',
    metrics: GROWTH,
    contenders: ['ours', 'other'],
    where: 'node',
    tall: true,
  },
];
