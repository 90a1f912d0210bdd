/** The place that sessions run in, as it is. */
import { expect, onTestFinished, test } from 'vitest';
import { systemHost } from '../../src/session/host.ts';

test('an error of a listener is an uncaught one, not a rejected Promise', async () => {
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  onTestFinished(() => {
    for (const other of others) process.on('uncaughtException', other);
  });
  const heard = new Promise((resolve) => {
    process.once('uncaughtException', (error, origin) => resolve([error, origin]));
  });
  const error = new Error('mine');
  systemHost().report(error);
  expect(await heard).toEqual([error, 'uncaughtException']);
});
