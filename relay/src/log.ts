/** The relay's log: JSON lines on standard error. Nobody logs payloads, keys, tickets or host names of users' traffic. */
import pino, { type Logger } from 'pino';

export type Log = Pick<Logger, 'error' | 'warn' | 'info' | 'debug'>;

const STDERR = 2;

export function createLog(level: 'silent' | 'error' | 'warn' | 'info' | 'debug'): Log {
  return pino({ name: 'luasocket-relay', level }, pino.destination({ dest: STDERR, sync: true }));
}
