/** socket.dns: inet.c's functions. The resolver is the relay's. */
import { parseAddress } from '@luasocket-web/shared/address';
import { words } from '@luasocket-web/shared/errors';
import { Args } from './args.ts';
import { type Endpoint, Failure, type HostEntry } from './channel.ts';
import { answered, type Context } from './context.ts';
import { addressText } from './inet.ts';
import type { Op } from './op.ts';
import type { AddressInfo, Failed, HostInfo } from './results.ts';
import { IO_TIMEOUT } from './usocket.ts';

type Values = readonly unknown[];

function* hostEntry(context: Context, method: string, values: Values): Op<HostEntry | Failure> {
  const name = new Args(method, values, context.strings).text(1);
  return yield* answered(context, context.channel.hostent(name), IO_TIMEOUT);
}

/** inet_pushresolved */
function infoOf({ name, aliases, addresses }: HostEntry): HostInfo {
  return { name, alias: [...aliases], ip: [...addresses] };
}

export function* toIp(context: Context, values: Values): Op<[address: string, info: HostInfo] | Failed> {
  const entry = yield* hostEntry(context, 'toip', values);
  if (entry instanceof Failure) return [null, words(entry)];
  const [first] = entry.addresses;
  return first === undefined ? [null, words({ code: 'NO_DATA' })] : [first, infoOf(entry)];
}

export function* toHostName(context: Context, values: Values): Op<[name: string, info: HostInfo] | Failed> {
  const entry = yield* hostEntry(context, 'tohostname', values);
  return entry instanceof Failure ? [null, words(entry)] : [entry.name, infoOf(entry)];
}

export function* getHostName(context: Context): Op<[name: string] | Failed> {
  const name = yield* answered(context, context.channel.hostname(), IO_TIMEOUT);
  return name instanceof Failure ? [null, words(name)] : [name];
}

export function* getAddrInfo(context: Context, values: Values): Op<[addresses: AddressInfo[]] | Failed> {
  const host = new Args('getaddrinfo', values, context.strings).text(1);
  const literal = parseAddress(host);
  if (literal !== null) return [[addressInfo({ ...literal, port: 0 })]];
  const lookup = context.channel.lookup(host === '*' ? null : host, null, 0, 'tcp', 'names');
  const found = yield* answered(context, lookup, IO_TIMEOUT);
  if (found instanceof Failure) return [null, words(found)];
  return [found.map(addressInfo)];
}

function addressInfo(endpoint: Endpoint): AddressInfo {
  return { family: endpoint.family === 6 ? 'inet6' : 'inet', addr: addressText(endpoint) };
}

export function* getNameInfo(
  context: Context,
  values: Values,
): Op<[names: string[]] | [names: string[], service: string] | Failed> {
  const args = new Args('getnameinfo', values, context.strings);
  const host = args.optText(1, null);
  const service = args.optText(2, null);
  if (host === null && service === null) throw new TypeError('host and serv cannot be both nil');
  const info = yield* answered(context, context.channel.nameinfo(host, service), IO_TIMEOUT);
  if (info instanceof Failure) return [null, words(info)];
  const names = host === null ? [] : [...info.names];
  return service === null ? [names] : [names, info.service ?? ''];
}
