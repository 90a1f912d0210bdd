/** What a run was made on, and how quiet it was there. */
import { arch, cpus, release, totalmem, type } from 'node:os';

/** @returns {Record<string, string>} */
export function machine() {
  const all = cpus();
  return {
    CPU: `${all.length} x ${all[0]?.model.trim() ?? arch()}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${type()} ${release()}`,
    Node: process.version,
  };
}

/** @param {import('../types.ts').Noise} noise @returns {string} */
export const noiseOf = ({ samples, again, noisy }) =>
  `Of ${samples} samples ${noisy} were taken in noise, and ${again} more were taken and not counted, for it became noisy.`;
