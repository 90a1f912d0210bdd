/** The arithmetic of the report: what is told must be what was measured. */
import { describe, expect, it } from 'vitest';
import { flatness, SESSIONS, SIZES, SOCKETS } from '../cases/growth.mjs';
import { CASES } from '../cases/index.mjs';
import { quantile } from '../cases/measuring.mjs';
import { interleave, turned } from '../lib/rounds.mjs';
import { BARS, judge } from '../report/bars.mjs';
import { markdown } from '../report/markdown.mjs';
import { comparison, growthCurves } from '../report/plot.mjs';
import { failures, ratio, spread, values } from '../report/stats.mjs';
import { cells, digits, remarks } from '../report/table.mjs';
import type { Sample } from '../types.ts';

const of = (key: string, ...all: (number | null)[]): Sample[] =>
  all.map((value) => (value === null ? { failed: 'no luck' } : { figures: { [key]: value } }));

function caseOf(name: string) {
  const found = CASES.find((case_) => case_.name === name);
  if (found === undefined) throw new Error(`no case ${name}`);
  return found;
}

describe('figures', () => {
  it('are least, middle and most', () => {
    expect(spread([5, 1, 9])).toEqual({ min: 1, median: 5, max: 9, count: 3 });
    expect(spread([4, 1, 2, 8])).toEqual({ min: 1, median: 3, max: 8, count: 4 });
    expect(spread([])).toBeNull();
  });

  it('leave out rounds that failed', () => {
    expect(spread(values(of('rate', 1, null, 3), 'rate'))).toEqual({ min: 1, median: 2, max: 3, count: 2 });
    expect(failures(of('rate', null, 1, null))).toEqual(['no luck']);
  });

  it('compare within a round: a slow round is slow for both', () => {
    expect(ratio(of('rate', 10, 1, 100), of('rate', 5, 0.5, 50), 'rate')).toEqual({
      min: 2,
      median: 2,
      max: 2,
      count: 3,
    });
    expect(ratio(of('rate', 10, null, 100), of('rate', 5, 0.5, 25), 'rate')?.count).toBe(2);
    expect(ratio(of('rate', 10), [], 'rate')).toBeNull();
  });

  it('have a quantile within them', () => {
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(3);
    expect(quantile([1, 2, 3, 4], 1)).toBe(4);
    expect(quantile([7], 0.99)).toBe(7);
  });

  it('show three digits that count', () => {
    expect([0.1234, 12.34, 123.4, 1234, 1_234_567, Number.NaN].map(digits)).toEqual([
      '0.12',
      '12.3',
      '123',
      '1,234',
      '1,234,567',
      '-',
    ]);
  });
});

describe('rounds', () => {
  it('turn, so that everyone goes first in turn', () => {
    expect([0, 1, 2, 3].map((round) => turned(['a', 'b', 'c'], round).join(''))).toEqual(['abc', 'bca', 'cab', 'abc']);
  });

  it('measure everyone once each, and the first does not count', async () => {
    const order: string[] = [];
    const samples = await interleave(['a', 'b'], { warm: 1, rounds: 2 }, async (name) => {
      order.push(name);
      return { figures: { at: order.length } };
    });
    expect(order.join('')).toBe('abbaab');
    expect(values(samples.a ?? [], 'at')).toEqual([4, 5]);
    expect(values(samples.b ?? [], 'at')).toEqual([3, 6]);
  });
});

describe('bars', () => {
  it('are of cases, metrics and contenders that there are', () => {
    for (const bar of BARS) {
      const case_ = caseOf(bar.case);
      expect(case_.metrics.map(({ key }) => key)).toContain(bar.key);
      if (bar.to !== null) expect(case_.contenders).toContain(bar.to);
    }
  });

  it('are met by the median', () => {
    const verdicts = (ours: number, wisp: number) =>
      judge('streams', { ours: of('rate', ours, 1, 1e6), 'wisp-js': of('rate', wisp, 1, 1) }).map(({ met }) => met);
    expect(verdicts(200, 100)).toEqual([true]);
    expect(verdicts(199, 100)).toEqual([false]);
    expect(judge('cut', { ours: [{ figures: { lost: 0, streams: 1 } }] }).map(({ met }) => met)).toEqual([true, false]);
    expect(judge('streams', { ours: of('rate', null) })).toEqual([]);
  });

  it('are said, and what failed is said', () => {
    const samples = { ours: of('lost', 0, null), ideal: of('lost', 8, 9) };
    expect(remarks(caseOf('cut'), samples)).toEqual([
      'met    bytes lost, MiB <= 0: 0.00 (0.00 - 0.00)',
      'failed ours: no luck',
    ]);
  });
});

describe('tables', () => {
  it('have a line for each contender, with its ratio to ideal', () => {
    const samples = { ours: of('rate', 30, 60), ideal: of('rate', 20, 20) };
    const [head, ours, ideal] = cells(caseOf('download'), samples);
    expect(head?.slice(0, 3)).toEqual(['', 'throughput, MiB/s', '/ ideal']);
    expect(ours?.slice(0, 3)).toEqual(['luasocket-web', '30.0 - 45.0 - 60.0', '2.25']);
    expect(ideal?.slice(0, 3)).toEqual(['ideal', '20.0 - 20.0 - 20.0', '1']);
  });
});

describe('growth', () => {
  const figures = (cost: (axis: string, count: number) => number) =>
    Object.fromEntries(
      [['sockets', SOCKETS] as const, ['sessions', SESSIONS] as const, ['bytes', SIZES] as const].flatMap(
        ([axis, counts]) => counts.map((count) => [`${axis}-${count}`, cost(axis, count)] as const),
      ),
    );

  it('is flat when each message, and each byte, costs the same', () => {
    const flat = flatness(figures((axis, count) => (axis === 'bytes' ? 50 + count / 1000 : 50)));
    expect(flat.sockets).toBe(1);
    expect(flat.sessions).toBe(1);
    expect(flat.sizes).toBeCloseTo(1);
  });

  it('is not when something looks at all of what there is', () => {
    const steep = flatness(figures((axis, count) => (axis === 'bytes' && count === 16_384 ? 200 : 50 + count)));
    expect(steep.sockets).toBeCloseTo(1050 / 51);
    expect(steep.sessions).toBeCloseTo(550 / 51);
    const bulge = flatness(figures((_, count) => (count === 16_384 ? 3 * (50 + count) : 50 + count)));
    expect(bulge.sizes).toBeCloseTo(3, 1);
  });

  describe('over the rounds', () => {
    const rounds = (...sockets: [number, number, number, number][]): Sample[] =>
      sockets.map((costs) => ({
        figures: figures((axis, count) => (axis === 'sockets' ? (costs[SOCKETS.indexOf(count)] ?? 0) : 50)),
      }));
    const bar = (samples: Sample[]) => judge('growth', { ours: samples }).find(({ bar }) => bar.key === 'sockets');

    it('is told of medians: noise that meets another point each round is no growth', () => {
      const noisy = rounds([50, 50, 50, 150], [150, 50, 50, 50], [50, 150, 50, 50]);
      expect(bar(noisy)).toMatchObject({ found: { median: 1, max: 2, count: 3 }, met: true });
      expect(cells(caseOf('growth'), { ours: noisy })).toContainEqual([
        'sockets, dearest to cheapest, x',
        '1.00 - 1.00 - 2.00',
      ]);
    });

    it('is growth where it is in most rounds', () => {
      const steep = rounds([50, 50, 50, 100], [50, 50, 50, 100], [50, 50, 50, 50]);
      expect(bar(steep)).toMatchObject({ found: { min: 1.5, median: 2, max: 2 }, met: false });
    });

    it('is nothing where a point is missing, and leaves out rounds that failed', () => {
      expect(bar([{ figures: { 'sockets-1': 50 } }])).toBeUndefined();
      expect(bar([...rounds([50, 50, 50, 100]), { failed: 'no luck' }])?.found).toEqual({
        min: 2,
        median: 2,
        max: 2,
        count: 1,
      });
    });
  });
});

describe('the document', () => {
  const results = {
    machine: { CPU: 'one' },
    rounds: 2,
    seconds: 1,
    noise: { samples: 8, again: 3, noisy: 1 },
    cases: {
      download: { ours: of('rate', 30, 60), ideal: of('rate', 20, 20), websockify: of('rate', null, null) },
      growth: { ours: [{ figures: { 'sockets-1': 50, 'sockets-10': 60 } }] },
    },
    absent: { 'wisp-js': 'gone' },
  };

  it('has the bars, the tables, how noisy it was, and who was not there', () => {
    const text = markdown(results);
    expect(text).toContain('Of 8 samples 1 were taken in noise, and 3 more were taken and not counted');
    expect(text).toContain('| Download, one stream | throughput / ideal | >= 1.1 | 2.25 (1.50 - 3.00) | met |');
    expect(text).toContain('| luasocket-web | 30.0 - 45.0 - 60.0 |');
    expect(text).toContain('wisp-js did not take part: gone.');
    expect(text).toContain('websockify failed at least once: no luck.');
  });

  it('has plots, which are SVG', () => {
    for (const plot of [comparison(results), growthCurves(results)]) {
      expect(plot).toMatch(/^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    }
    expect(comparison(results)).toContain('download: throughput');
    // A point for each of the two figures, besides the key.
    expect(growthCurves(results).match(/<circle/g)).toHaveLength(2);
  });
});
