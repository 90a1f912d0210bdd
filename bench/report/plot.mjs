/** The plots of docs/benchmarks.md, as SVG. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { SESSIONS, SIZES, SOCKETS } from '../cases/growth.mjs';
import { CASES } from '../cases/index.mjs';
import { CONTENDERS } from '../contenders/index.mjs';
import { ratio, spread, values } from './stats.mjs';

/** @typedef {import('../types.ts').Results} Results */

const YARDSTICK = 'ideal';
/** Figures that are compared: case, metric. */
const COMPARED = [
  ['roundtrip', 'p50'],
  ['roundtrip', 'cpu'],
  ['udp-roundtrip', 'p50'],
  ['download', 'rate'],
  ['download', 'cpu'],
  ['upload', 'rate'],
  ['upload', 'cpu'],
  ['streams', 'rate'],
  ['streams', 'cpu'],
  ['datagrams', 'rate'],
  ['datagrams', 'cpu'],
  ['loaded', 'p99'],
  ['idle', 'rss'],
  ['browser-roundtrip', 'p50'],
  ['browser-download', 'rate'],
  ['browser-upload', 'rate'],
  ['browser-datagrams', 'rate'],
];
/** What one is times better or worse beyond which a mark stands at the edge. */
const EDGE = 32;
/** Paul Tol's bright colours, which the colour-blind tell apart; ours is the strong one. */
const COLOURS = {
  ours: '#ee6677',
  ideal: '#222222',
  raw: '#bbbbbb',
  'wisp-js': '#4477aa',
  'wisp-server-node': '#66ccee',
  websockify: '#ccbb44',
};
const SHORT = {
  roundtrip: 'TCP round trip',
  'udp-roundtrip': 'UDP round trip',
  download: 'download',
  upload: 'upload',
  streams: '200 streams',
  datagrams: 'datagrams',
  loaded: 'round trip, loaded',
  idle: 'idle',
  'browser-roundtrip': 'page: TCP round trip',
  'browser-download': 'page: download',
  'browser-upload': 'page: upload',
  'browser-datagrams': 'page: datagrams',
};
const FONT = { background: 'white', color: '#222222', fontFamily: 'sans-serif', fontSize: '11px' };

/** @typedef {{ figure: string, name: string, low: number, middle: number, high: number }} Mark */

/** How many times better than ideal everyone is, a line for each figure. @param {Results} results @returns {string} */
export function comparison(results) {
  const marks = COMPARED.flatMap(([name = '', key = '']) => marksOf(results, name, key));
  const figures = [...new Set(marks.map(({ figure }) => figure))];
  const names = Object.keys(COLOURS).filter((name) => marks.some((mark) => mark.name === name));
  return svg({
    width: 860,
    height: 70 + figures.length * 30,
    marginLeft: 190,
    marginTop: 50,
    style: FONT,
    x: {
      type: 'log',
      base: 2,
      domain: [1 / EDGE, EDGE],
      clamp: true,
      grid: true,
      label: 'times as good as ideal, log scale; right is better',
      ticks: [1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16, 32],
      tickFormat: (/** @type {number} */ times) => (times < 1 ? `1/${1 / times}` : String(times)),
    },
    y: { domain: figures, label: null, padding: 0.4 },
    color: { domain: names, range: names.map((name) => COLOURS[/** @type {keyof typeof COLOURS} */ (name)]) },
    marks: [
      Plot.ruleX([1], { stroke: COLOURS.ideal }),
      Plot.ruleY(marks, { y: 'figure', x1: 'low', x2: 'high', stroke: 'name', strokeWidth: 2, strokeOpacity: 0.5 }),
      Plot.dot(marks, {
        y: 'figure',
        x: 'middle',
        fill: 'name',
        r: (/** @type {Mark} */ { name }) => (name === 'ours' ? 6 : 4),
      }),
      key(names),
    ],
  });
}

/** The names in their colours, above the plot. @param {readonly string[]} names */
function key(names) {
  const titles = names.map((name) => CONTENDERS[name]?.title ?? name);
  /** @type {number[]} */
  const starts = [];
  let start = 0;
  for (const title of titles) {
    starts.push(start);
    start += title.length * 6.4 + 22;
  }
  return names.flatMap((name, index) => {
    const place = { frameAnchor: /** @type {const} */ ('top-left'), dx: starts[index] ?? 0, dy: -32 };
    return [
      Plot.dot([name], { ...place, fill: () => name, r: 5 }),
      Plot.text([name], { ...place, dx: place.dx + 10, text: () => titles[index] ?? name, textAnchor: 'start' }),
    ];
  });
}

/** @param {Results} results @param {string} name @param {string} metric @returns {Mark[]} */
function marksOf({ cases }, name, metric) {
  const samples = cases[name];
  const yardstick = samples?.[YARDSTICK];
  const found = CASES.find((case_) => case_.name === name)?.metrics.find(({ key }) => key === metric);
  if (samples === undefined || yardstick === undefined || found === undefined) return [];
  const figure = `${SHORT[/** @type {keyof typeof SHORT} */ (name)]}: ${found.title}`;
  return Object.entries(samples).flatMap(([contender, own]) => {
    const times = found.better === 'more' ? ratio(own, yardstick, metric) : ratio(yardstick, own, metric);
    if (times === null || !(contender in COLOURS)) return [];
    const within = (/** @type {number} */ value) => Math.min(EDGE, Math.max(1 / EDGE, value));
    return [{ figure, name: contender, low: within(times.min), middle: within(times.median), high: within(times.max) }];
  });
}

/** What a message costs the relay as there is more of everything. @param {Results} results @returns {string} */
export function growthCurves({ cases }) {
  const own = cases.growth?.ours ?? [];
  const axes = /** @type {const} */ ([
    ['sockets', 'sockets of the session', SOCKETS],
    ['sessions', 'sessions of the relay', SESSIONS],
    ['bytes', 'bytes of a message', SIZES],
  ]);
  const points = axes.flatMap(([axis, what, counts]) =>
    counts.flatMap((count) => {
      const cost = spread(values(own, `${axis}-${count}`));
      return cost === null ? [] : [{ ...cost, what, count }];
    }),
  );
  return svg({
    width: 860,
    height: 260,
    marginLeft: 60,
    marginTop: 40,
    style: FONT,
    x: { type: 'log', label: 'how many', grid: true, tickFormat: 's', ticks: 5 },
    y: { type: 'log', label: 'relay CPU, us/message', grid: true, ticks: 4, tickFormat: ',d' },
    fx: { label: null, domain: axes.map(([, what]) => what) },
    marks: [
      Plot.ruleX(points, { fx: 'what', x: 'count', y1: 'min', y2: 'max', stroke: COLOURS.ours, strokeOpacity: 0.5 }),
      Plot.line(points, { fx: 'what', x: 'count', y: 'median', stroke: COLOURS.ours }),
      Plot.dot(points, { fx: 'what', x: 'count', y: 'median', fill: COLOURS.ours, r: 3 }),
    ],
  });
}

/** @param {Plot.PlotOptions} options */
function svg(options) {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const plot = Plot.plot({ ...options, document });
  plot.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${plot.outerHTML}\n`;
}
