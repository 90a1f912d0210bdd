/**
 * The channel that the core asks (../core/channel.ts), over a session's sockets: what it needs beside them are
 * look-ups, the barrier and two clocks. Like the sockets it never waits.
 */
import type { Family } from '@luasocket-web/shared/address';
import { utf8Length } from '@luasocket-web/shared/codec';
import { KIND, USE } from '@luasocket-web/shared/frames';
import { MAX_TEXT } from '@luasocket-web/shared/limits';
import type {
  Channel,
  DatagramSocket,
  Endpoints,
  Failure,
  HostEntry,
  LookupUse,
  Pending,
  Stream,
} from '../core/channel.ts';
import type { Multiplexer } from './multiplexer.ts';
import { failed } from './pending.ts';
import { readEndpoints, readSeconds, readText, readTexts, readTuple } from './requests.ts';

export interface SessionClock {
  /** Seconds, monotonic. */
  now(): number;
  /** Seconds since 1970 by the relay's clock, never backwards. */
  time(): number;
}

export class SessionChannel implements Channel {
  readonly #sockets: Multiplexer;
  readonly #clock: SessionClock;

  constructor(sockets: Multiplexer, clock: SessionClock) {
    this.#sockets = sockets;
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  time(): number {
    return this.#clock.time();
  }

  tcp(family: Family): Stream | Failure {
    return this.#sockets.tcp(family);
  }

  udp(family: Family): DatagramSocket | Failure {
    return this.#sockets.udp(family);
  }

  lookup(
    host: string | null,
    service: string | null,
    family: Family | 0,
    kind: 'tcp' | 'udp',
    use: LookupUse,
  ): Pending<Endpoints> {
    if (tooLong(host)) return failed('EAI_NONAME');
    if (tooLong(service)) return failed('EAI_SERVICE');
    return this.#sockets.request(
      (request) => ({ type: 'resolve', request, host, service, family, kind: KIND[kind], use: USE[use] }),
      { read: readEndpoints },
    );
  }

  nameinfo(
    host: string | null,
    service: string | null,
  ): Pending<{ readonly names: readonly string[]; readonly service: string | null }> {
    if (tooLong(host)) return failed('EAI_NONAME');
    if (tooLong(service)) return failed('EAI_SERVICE');
    return this.#sockets.request((request) => ({ type: 'nameinfo', request, host, service }), {
      read: (value) => {
        const [names = null, name = null] = readTuple(value, 2);
        return { names: readTexts(names), service: name === null ? null : readText(name) };
      },
    });
  }

  hostent(name: string): Pending<HostEntry> {
    if (tooLong(name)) return failed('HOST_NOT_FOUND');
    return this.#sockets.request((request) => ({ type: 'hostent', request, name }), {
      read: (value) => {
        const [official = null, aliases = null, addresses = null, ttl] = readTuple(value, 3, 4);
        const entry = { name: readText(official), aliases: readTexts(aliases), addresses: readTexts(addresses) };
        return ttl === undefined ? entry : { ...entry, ttl: readSeconds(ttl) };
      },
    });
  }

  hostname(): Pending<string> {
    return this.#sockets.request((request) => ({ type: 'hostname', request }), { read: readText });
  }

  barrier(): Pending<void> {
    return this.#sockets.barrier();
  }

  get unfenced(): boolean {
    return this.#sockets.unfenced;
  }
}

/** No name is that long, and no frame may be. */
function tooLong(text: string | null): boolean {
  return text !== null && text.length * 3 > MAX_TEXT && utf8Length(text) > MAX_TEXT;
}
