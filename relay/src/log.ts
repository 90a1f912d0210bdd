/** The relay's log: JSON lines on standard error. Nobody logs payloads, keys, tickets or host names of users' traffic. */
import pino, { type DestinationStream, type Logger } from 'pino';

export type Log = Pick<Logger, 'error' | 'warn' | 'info' | 'debug'>;

const STDERR = 2;

export function createLog(
  level: 'silent' | 'error' | 'warn' | 'info' | 'debug',
  destination: DestinationStream = pino.destination({ dest: STDERR, sync: true }),
): Log {
  // What was thrown is logged as `error`; pino writes Errors out under `err` only.
  const serializers = { error: pino.stdSerializers.err };
  return pino({ name: 'luasocket-relay', level, serializers }, destination);
}
