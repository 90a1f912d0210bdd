/** What a relay costs, as Linux counts it: CPU and memory of its processes, from outside; and what the whole machine does. */
import { readdirSync, readFileSync } from 'node:fs';

/** proc(5): the unit of stat's times is 1/100 s on every Linux that Node runs on. */
const TICKS = 100;

/**
 * @param {number} pid
 * @returns {import('../types.ts').Cost} NaN where there is no /proc.
 */
export function costOf(pid) {
  try {
    const children = childrenOf(pid);
    let cpu = threadSeconds(pid) + reapedSeconds(pid);
    let rss = residentOf(pid);
    for (const child of children) {
      cpu += threadSeconds(child);
      rss += privateOf(child);
    }
    return { cpu, rss };
  } catch {
    return { cpu: Number.NaN, rss: Number.NaN };
  }
}

/** proc(5), stat: user, nice, system, idle, iowait, irq, softirq, steal. @returns {import('../types.ts').Processors} */
export function processors() {
  try {
    const line = readFileSync('/proc/stat', 'latin1').split('\n')[0] ?? '';
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, stolen = 0] = line
      .split(/ +/)
      .slice(1)
      .map(Number);
    return { used: user + nice + system + irq + softirq, stolen };
  } catch {
    return { used: Number.NaN, stolen: Number.NaN };
  }
}

/** Nanoseconds from each thread's schedstat, since stat's hundredths are too coarse for short samples. @param {number} pid */
function threadSeconds(pid) {
  let nanoseconds = 0;
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const [running] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ');
      nanoseconds += Number(running);
    }
  } catch {
    return ownSeconds(pid);
  }
  return nanoseconds / 1e9;
}

/** A kernel without schedstat; a process that has just gone is in its parent's count. @param {number} pid */
function ownSeconds(pid) {
  try {
    const [user, system] = times(pid);
    return user + system;
  } catch {
    return 0;
  }
}

/** What children have used that have ended. @param {number} pid */
function reapedSeconds(pid) {
  const [, , user, system] = times(pid);
  return user + system;
}

/** proc(5), stat: fields 14 to 17. @param {number} pid @returns {[number, number, number, number]} */
function times(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
  const seconds = (/** @type {number} */ field) => Number(fields[field - 3]) / TICKS;
  return [seconds(14), seconds(15), seconds(16), seconds(17)];
}

/** @param {number} pid @returns {number[]} */
function childrenOf(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
  return [...children, ...children.flatMap((child) => quietly(() => childrenOf(child), []))];
}

/** @param {number} pid */
const residentOf = (pid) => kibibytes(readFileSync(`/proc/${pid}/status`, 'latin1'), /^VmRSS:/);

/** Memory that a child does not share with its parent. @param {number} pid */
const privateOf = (pid) =>
  quietly(() => kibibytes(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'), /^Private_(?:Clean|Dirty):/), 0);

/** @param {string} text @param {RegExp} line */
function kibibytes(text, line) {
  let sum = 0;
  for (const each of text.split('\n')) if (line.test(each)) sum += Number(/(\d+) kB/.exec(each)?.[1] ?? 0);
  return sum;
}

/** @template T @param {() => T} read @param {T} otherwise Of a process that has just gone. */
function quietly(read, otherwise) {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
