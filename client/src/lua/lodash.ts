/** What wasmoon uses of lodash, for the build of the worker: the conversions of values that ask it are not ours. */
export const isArray = Array.isArray;

export function isPlainObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
