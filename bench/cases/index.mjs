/** The cases as the report sees them: what is measured, in what unit, of whom. */

/** @typedef {import('../types.ts').Case} Case */
/** @typedef {import('../types.ts').Metric} Metric */

const ALL = ['ours', 'other', 'ideal', 'raw', 'wisp-js', 'wisp-server-node', 'websockify'];
const WITH_UDP = ['ours', 'other', 'ideal', 'raw', 'wisp-js', 'wisp-server-node'];

/** @type {(key: string, title: string, unit: string) => Metric} */
const less = (key, title, unit) => ({ key, title, unit, better: 'less' });
/** @type {(key: string, title: string, unit: string) => Metric} */
const more = (key, title, unit) => ({ key, title, unit, better: 'more' });

/** @type {readonly Metric[]} */
const ROUNDTRIP = [less('p50', 'p50', 'us'), less('p99', 'p99', 'us'), less('cpu', 'relay CPU', 'us/round')];
const BULK = [more('rate', 'throughput', 'MiB/s'), less('cpu', 'relay CPU', 's/GiB')];

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
    metrics: [more('rate', 'received', '1/s'), less('cpu', 'relay CPU', 'us/datagram')],
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
];
