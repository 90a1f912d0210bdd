/**
 * Who may have a session, and on what terms: in development mode everybody who gets this far, in public mode whoever
 * has a ticket, within the limits of its address and its holder. It opens no session.
 */
import { ProtocolError } from '@luasocket-web/shared/errors';
import type { Config, Limits } from '../config.ts';
import { Gate } from '../gate.ts';
import { customerOf, type Occupancy } from '../limits/occupancy.ts';
import { Scans } from '../limits/scans.ts';
import { StoreFailure } from '../limits/store-failure.ts';
import { Throttle } from '../limits/throttle.ts';
import type { Log } from '../log.ts';
import type { Claims } from '../policy/claims.ts';
import { DEVELOPMENT } from '../policy/development.ts';
import type { Surroundings } from '../policy/policy.ts';
import type { Tally } from '../tally.ts';
import type { Ticket, TicketVerifier } from '../tickets/verifier.ts';
import type { Clock } from './parts.ts';

/** Denials of one session that are logged; later ones are for those who log everything. */
const LOGGED_DENIALS = 10;

/** What a session gets. */
export interface Terms {
  readonly gate: Gate;
  readonly limits: Limits;
  readonly scans: Scans | null;
  readonly throttle: Throttle | null;
  readonly maxSeconds: number | null;
  /** The session is over. */
  readonly leave: () => void;
}

export interface AdmissionOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly tally: Tally;
  readonly surroundings: () => Surroundings;
  /** Null: nobody needs a ticket. */
  readonly tickets: TicketVerifier | null;
  /** Sessions by client address, and by holder of tickets. */
  readonly addresses: Occupancy;
  readonly holders: Occupancy;
}

export class Admission {
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Terms at once where no ticket is asked for. @throws ProtocolError, or rejects with one, when it is refused. */
  admit(ticket: string | null, address: string): Terms | Promise<Terms> {
    const { config, tickets } = this.#options;
    if (tickets !== null) {
      return this.#withTicket(tickets, ticket, address).catch((error: unknown) => Promise.reject(this.#told(error)));
    }
    return {
      gate: this.#gate(DEVELOPMENT),
      limits: config.limits,
      scans: null,
      throttle: null,
      maxSeconds: null,
      leave: () => {},
    };
  }

  async #withTicket(tickets: TicketVerifier, token: string | null, address: string): Promise<Terms> {
    const ticket = await tickets.verify(token);
    const leave = await this.#enter(ticket, address);
    try {
      // Last, so that a ticket is not spent on a relay that is full.
      await tickets.use(ticket);
    } catch (error) {
      leave();
      throw error;
    }
    return this.#terms(ticket, leave);
  }

  async #enter({ subject, quota }: Ticket, address: string): Promise<() => void> {
    const { config, addresses, holders } = this.#options;
    const leaveAddress = await addresses.enter(customerOf(address), config.limits.sessionsPerAddress);
    if (leaveAddress === null) throw this.#refusal('sessionsPerAddress', 'too many sessions from this address');
    try {
      const leaveHolder = await holders.enter(subject, quota.sessions ?? Number.POSITIVE_INFINITY);
      if (leaveHolder === null) {
        throw this.#refusal('sessions of a ticket holder', 'too many sessions with tickets for the same subject');
      }
      return () => {
        leaveAddress();
        leaveHolder();
      };
    } catch (error) {
      leaveAddress();
      throw error;
    }
  }

  /** What the client is told. Whose ticket cannot be proven unused stays out: a ticket that were good twice would be good for ever. */
  #told(error: unknown): unknown {
    if (!(error instanceof StoreFailure)) return error;
    this.#options.tally.storeFailures.add(error.about);
    this.#options.log.error({ about: error.about, error: error.message }, 'Redis does not answer: a ticket is refused');
    return new ProtocolError('unauthorized', 'tickets cannot be checked now; try again later');
  }

  #refusal(limit: string, message: string): ProtocolError {
    this.#options.tally.limits.add(limit);
    return new ProtocolError('limit', message);
  }

  #terms({ claims, quota, maxSession, resumeSeconds }: Ticket, leave: () => void): Terms {
    const { config, clock, tally } = this.#options;
    const { limits } = config;
    const bytesPerSecond = Math.min(limits.bytesPerSecond, quota.bytesPerSecond ?? Number.POSITIVE_INFINITY);
    return {
      gate: this.#gate(claims),
      limits: {
        ...limits,
        sockets: Math.min(limits.sockets, quota.sockets ?? limits.sockets),
        resumeSeconds: resumeSeconds ?? limits.resumeSeconds,
      },
      scans: new Scans(
        limits,
        () => clock.monotonic(),
        (limit) => tally.limits.add(limit),
      ),
      throttle: new Throttle(bytesPerSecond, limits.framesPerSecond),
      maxSeconds: maxSession ?? null,
      leave,
    };
  }

  #gate(claims: Claims): Gate {
    const { log, tally, surroundings } = this.#options;
    let denials = 0;
    return new Gate(claims, surroundings(), (operation, reason) => {
      tally.denials.add(reason);
      // Who is denied thousands of things must not fill the log with them; they are counted all the same.
      const level = ++denials <= LOGGED_DENIALS ? 'info' : 'debug';
      log[level]({ operation: operation.name, reason }, 'denied');
    });
  }
}
