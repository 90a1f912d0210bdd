/** What a run was made on. */
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
