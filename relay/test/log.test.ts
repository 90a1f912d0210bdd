/** The log says what went wrong: a defect that reads `{}` helps nobody. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createLog } from '../src/log.ts';

test('an error is logged with its message and where it was thrown', () => {
  const lines: string[] = [];
  const log = createLog('info', { write: (line) => void lines.push(line) });
  log.error({ error: new Error('out of luck') }, 'defect');
  log.info({ error: 'a text' }, 'told');
  log.debug('not heard');
  const [defect, told, ...rest] = lines.map((line) => JSON.parse(line));
  expect(defect).toMatchObject({ msg: 'defect', error: { message: 'out of luck' } });
  expect(defect.error.stack).toContain('log.test.ts');
  expect(told).toMatchObject({ msg: 'told', error: 'a text' });
  expect(rest).toEqual([]);
});

describe('a flood of lines with one message', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const flooded = (level: 'info' | 'debug') => {
    const lines: { readonly msg: string; readonly number?: number; readonly dropped?: number }[] = [];
    const log = createLog(level, { write: (line) => void lines.push(JSON.parse(line)) }, () => Date.now());
    return { lines, log };
  };

  test('is cut short, and how many were left out is said', () => {
    const { lines, log } = flooded('info');
    for (let number = 0; number < 1000; number++) log.info({ number }, 'fault');
    log.warn('something else');
    expect(lines.filter(({ msg }) => msg === 'fault').map(({ number }) => number)).toEqual([...Array(200).keys()]);
    expect(lines.at(-1)?.msg).toBe('something else');
    vi.advanceTimersByTime(1000);
    expect(lines.at(-1)).toMatchObject({ msg: 'fault', dropped: 800 });
    for (let number = 0; number < 100; number++) log.info({ number }, 'fault');
    expect(lines.at(-1)).toMatchObject({ msg: 'fault', number: 19 });
    vi.advanceTimersByTime(1000);
    expect(lines.at(-1)).toMatchObject({ msg: 'fault', dropped: 80 });
  });

  test('is counted to the end: what would be said a second later is said at once, and not again', () => {
    const { lines, log } = flooded('info');
    for (let number = 0; number < 230; number++) log.info({ number }, 'fault');
    log.settle();
    expect(lines.at(-1)).toMatchObject({ msg: 'fault', dropped: 30 });
    const { length } = lines;
    log.settle();
    vi.advanceTimersByTime(1000);
    expect(lines).toHaveLength(length);
  });

  test('is logged in full where that is asked for, and errors always are', () => {
    const all = flooded('debug');
    const some = flooded('info');
    for (let number = 0; number < 500; number++) {
      all.log.info({ number }, 'fault');
      some.log.error({ number }, 'defect');
    }
    expect(all.lines).toHaveLength(500);
    expect(some.lines).toHaveLength(500);
  });
});
