/** The counters of the connection. */
import type { RelayStats } from 'luasocket-web';
import { byId, element, setText } from './dom.ts';

const number = new Intl.NumberFormat('en');

const LINES: ReadonlyArray<readonly [string, (stats: RelayStats) => string]> = [
  ['sockets', (stats) => number.format(stats.sockets)],
  ['received', (stats) => `${number.format(stats.framesReceived)} frames, ${number.format(stats.bytesReceived)} bytes`],
  ['sent', (stats) => `${number.format(stats.framesSent)} frames, ${number.format(stats.bytesSent)} bytes`],
  ['messages', (stats) => `${number.format(stats.messagesReceived)} in, ${number.format(stats.messagesSent)} out`],
  ['roundtrip', (stats) => (stats.roundtrip === null ? '–' : `${(stats.roundtrip * 1000).toFixed(2)} ms`)],
  ['resumed', (stats) => number.format(stats.resumes)],
];

export class StatsView {
  readonly #values = LINES.map(() => element('dd', ''));

  constructor() {
    const pairs = LINES.map(([name], index) => element('div', '', element('dt', '', name), this.#values[index] ?? ''));
    byId('stats', HTMLDListElement).append(...pairs);
  }

  draw(stats: RelayStats | null): void {
    LINES.forEach(([, text], index) => {
      const value = this.#values[index];
      if (value) setText(value, stats === null ? '–' : text(stats));
    });
  }
}
