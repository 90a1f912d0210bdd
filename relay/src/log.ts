/** The relay's log: JSON lines on standard error. Nobody logs payloads, keys, tickets or host names of users' traffic. */
import pino, { type DestinationStream, type LogFn, type Logger } from 'pino';
import { Bucket } from './limits/bucket.ts';

export type Log = Pick<Logger, 'error' | 'warn' | 'info' | 'debug'>;

/** The relay's own. */
export interface RelayLog extends Log {
  /** Says at once how many lines were left out since that was last said: to be called at the end. */
  settle(): void;
}

const STDERR = 2;
/** Lines with the same message: so many a second, so many at once. Who attacks must not fill the disk. */
const LINES_PER_SECOND = 20;
const LINES_AT_ONCE = 200;
/** After so many milliseconds it is said how many were left out. */
const TELL_MILLISECONDS = 1000;
/** pino's number of `error`: from there on all is logged. */
const ERROR = 50;

/** @param now milliseconds on a clock that never runs backwards. */
export function createLog(
  level: 'silent' | 'error' | 'warn' | 'info' | 'debug',
  destination: DestinationStream = pino.destination({ dest: STDERR, sync: true }),
  now: () => number = () => performance.now(),
): RelayLog {
  // What was thrown is logged as `error`; pino writes Errors out under `err` only.
  const serializers = { error: pino.stdSerializers.err };
  const sampler = new Sampler(now);
  const hooks = {
    logMethod(this: Logger, values: Parameters<LogFn>, log: LogFn, importance: number) {
      const [facts, text] = values;
      const message = typeof facts === 'string' ? facts : String(text);
      const told = (dropped: number) => log.call(this, { dropped }, message);
      // Who asks for everything gets it.
      if (level === 'debug' || importance >= ERROR || sampler.admits(message, told)) log.apply(this, values);
    },
  };
  const log = pino({ name: 'luasocket-relay', level, serializers, hooks }, destination);
  return Object.assign(log, { settle: () => sampler.settle() });
}

/** Leaves out lines when there are too many of a kind, and says how many. There are as many kinds as messages in this program. */
class Sampler {
  readonly #now: () => number;
  readonly #kinds = new Map<string, Kind>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether a line with this message is to be written; if not, `told` is called with the number of such lines, later. */
  admits(message: string, told: (dropped: number) => void): boolean {
    let kind = this.#kinds.get(message);
    if (kind === undefined) {
      kind = { bucket: new Bucket(LINES_PER_SECOND, LINES_AT_ONCE), dropped: 0, told };
      this.#kinds.set(message, kind);
    }
    if (kind.bucket.take(this.#now())) return true;
    if (kind.dropped++ === 0) {
      kind.told = told;
      kind.timer = setTimeout(() => this.#tell(kind), TELL_MILLISECONDS).unref();
    }
    return false;
  }

  /** Tells at once what would be told later. */
  settle(): void {
    for (const kind of this.#kinds.values()) if (kind.dropped > 0) this.#tell(kind);
  }

  #tell(kind: Kind): void {
    clearTimeout(kind.timer);
    const { dropped } = kind;
    kind.dropped = 0;
    kind.told(dropped);
  }
}

interface Kind {
  readonly bucket: Bucket;
  /** Left out since that was last said. */
  dropped: number;
  /** To whom that is said, and when. */
  told: (dropped: number) => void;
  timer?: NodeJS.Timeout;
}
