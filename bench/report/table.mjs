/** Tables for the terminal and, with the same cells, for Markdown. */
import { CONTENDERS } from '../contenders/index.mjs';
import { judge } from './bars.mjs';
import { failures, over, ratio } from './stats.mjs';

/** @typedef {import('../types.ts').Case} Case */
/** @typedef {import('../types.ts').Sample} Sample */

/** Those that everyone is compared to. */
const YARDSTICKS = ['ideal', 'wisp-js'];

/** Three digits that count. @param {number} value */
export function digits(value) {
  if (!Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  if (size >= 1000) return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** @param {import('./stats.mjs').Spread | null} found */
const range = (found) => (found ? `${digits(found.min)} - ${digits(found.median)} - ${digits(found.max)}` : '-');

/**
 * @param {Case} case_
 * @param {Readonly<Record<string, readonly Sample[]>>} samples
 * @returns {string[][]} Rows of cells; the first is the head.
 */
export function cells(case_, samples) {
  if (case_.tall) return tall(case_, samples);
  const yardsticks = YARDSTICKS.filter((name) => samples[name]);
  const rows = [
    [
      '',
      ...case_.metrics.flatMap(({ title, unit }) => [`${title}, ${unit}`, ...yardsticks.map((name) => `/ ${name}`)]),
    ],
  ];
  for (const [name, own] of Object.entries(samples)) {
    const figures = case_.metrics.flatMap((metric) => [
      range(over(own, metric)),
      ...yardsticks.map((to) =>
        to === name ? '1' : digits(ratio(own, samples[to] ?? [], metric.key)?.median ?? Number.NaN),
      ),
    ]);
    rows.push([CONTENDERS[name]?.title ?? name, ...figures]);
  }
  return rows;
}

/** @param {Case} case_ @param {Readonly<Record<string, readonly Sample[]>>} samples @returns {string[][]} */
function tall(case_, samples) {
  const names = Object.keys(samples);
  const rows = case_.metrics.map((metric) => [
    `${metric.title}, ${metric.unit}`,
    ...names.map((name) => range(over(samples[name] ?? [], metric))),
  ]);
  return [['', ...names.map((name) => CONTENDERS[name]?.title ?? name)], ...rows];
}

/**
 * @param {Case} case_
 * @param {Readonly<Record<string, readonly Sample[]>>} samples
 * @returns {string[]} What the bars say, a line each, and what failed.
 */
export function remarks(case_, samples) {
  const lines = judge(case_.name, samples).map(({ bar, found, met }) => {
    return `${met ? 'met   ' : 'MISSED'} ${named(case_, bar)} ${bar.is} ${bar.bound}: ${digits(found.median)} (${digits(found.min)} - ${digits(found.max)})`;
  });
  for (const [name, own] of Object.entries(samples))
    for (const why of failures(own)) lines.push(`failed ${name}: ${why}`);
  return lines;
}

/** What a bar is about. @param {Case} case_ @param {import('./bars.mjs').Bar} bar */
export function named(case_, { key, to }) {
  const { title = key, unit = '' } = case_.metrics.find((metric) => metric.key === key) ?? {};
  return to === null ? `${title}, ${unit}` : `${title} / ${to}`;
}

/** @param {readonly string[][]} rows */
export function aligned(rows) {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const pad = (/** @type {string} */ cell, /** @type {number} */ column) =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return rows.map((row) => row.map(pad).join('  ').trimEnd()).join('\n');
}
