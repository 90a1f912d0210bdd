/** The log says what went wrong: a defect that reads `{}` helps nobody. */
import { expect, test } from 'vitest';
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
