/**
 * From a frame to its bytes: DATA and DATAGRAM laid by hand, all others by msgpackr from the frame table. Every field
 * is checked first, so that a defect here is found here and not by the peer.
 */
import { Packr } from 'msgpackr';
import { packEndpoint } from '../address.ts';
import { ProtocolError } from '../errors.ts';
import type { FieldType, FieldTypes, Frame } from '../frames.ts';
import { MAX_TEXT } from '../limits.ts';
import { MAX_DEPTH } from './cursor.ts';
import { layData, layDatagram } from './data.ts';
import { PLANS } from './plan.ts';
import { checkDatagram, checkRange, RANGES, type Range } from './rules.ts';
import { utf8Length, wellFormed } from './utf8.ts';

/** Plain msgpack: no records, so no extension types and no generated code (which a page's CSP would forbid). */
const packr = new Packr({ useRecords: false });

/** What msgpackr is given; maps as Map, since it would call an object's toJSON. */
type Packable =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Packable[]
  | ReadonlyMap<string, Packable>;

type Writers = { readonly [T in FieldType]: (value: FieldTypes[T]) => Packable };

const WRITERS: Writers = {
  uint: (value) => {
    if (!Number.isSafeInteger(value) || value < 0) throw invalid('no unsigned integer');
    return integer(value);
  },
  int: (value) => {
    if (value !== (value | 0)) throw invalid('no 32-bit integer');
    return value;
  },
  number,
  bool: (value) => {
    if (typeof value !== 'boolean') throw invalid('no bool');
    return value;
  },
  text,
  'text?': (value) => (value === null ? null : text(value)),
  bytes,
  endpoint: packEndpoint,
  'endpoint?': (value) => (value === null ? null : packEndpoint(value)),
  'target?': (value) => {
    if (value === null) return null;
    return 'request' in value ? [WRITERS.uint(value.request), WRITERS.uint(value.index)] : packEndpoint(value);
  },
  option: (value) => {
    const packed = pack(value, 1);
    const parts = packed instanceof Map ? [...packed.values()] : [packed];
    for (const part of parts) if (part instanceof Uint8Array || Array.isArray(part)) throw invalid('no option value');
    return packed;
  },
  value: (value) => pack(value, MAX_DEPTH),
};

/**
 * One frame alone, to be put into a message. Payloads are copied once; no frame keeps a reference to what it was made
 * of. Small frames are views of buffers that they share: never transfer such a buffer to another thread.
 * @throws ProtocolError `internal` when a field has the wrong type, range or size: a defect of the caller, who has
 * to check what comes from users (sizes: limits.ts, `utf8Length`).
 */
export function encodeFrame(frame: Frame): Uint8Array {
  try {
    if (frame.type === 'data') {
      checkPayload(frame.socket, frame.payload, RANGES.data.payload);
      return layData(frame.socket, frame.payload);
    }
    if (frame.type === 'datagram') {
      checkPayload(frame.socket, frame.payload, RANGES.datagram.payload);
      checkDatagram(frame, 'client');
      return layDatagram(frame);
    }
    return packr.pack(packFields(frame));
  } catch (error) {
    throw invalid(`${frame.type} cannot be encoded: ${error instanceof Error ? error.message : error}`);
  }
}

function checkPayload(socket: number, payload: Uint8Array, range: Range): void {
  if (socket !== socket >>> 0) throw invalid(`socket ${socket}`);
  checkRange(bytes(payload).length, range, 'payload');
}

function packFields(frame: Frame): Packable[] {
  const plan = PLANS.get(frame.type);
  if (!plan) throw invalid('no such frame');
  const packed: Packable[] = [plan.code];
  const values = frame as unknown as { readonly [name: string]: never };
  for (const { name, type, range } of plan.fields) {
    const value = WRITERS[type](values[name] as never);
    if (range) checkRange(value instanceof Uint8Array ? value.length : Number(value), range, name);
    packed.push(value);
  }
  if (frame.type === 'sendto') checkDatagram(frame, 'client');
  return packed;
}

function invalid(what: string): ProtocolError {
  return new ProtocolError('internal', what);
}

/** msgpackr writes integers beyond 32 bits as floats, unless they are bigints. */
function integer(value: number): number | bigint {
  return value > 0xffff_ffff || value < -0x8000_0000 ? BigInt(value) : value;
}

function number(value: number): number | bigint {
  if (typeof value !== 'number' || Number.isNaN(value)) throw invalid('no number');
  return Number.isSafeInteger(value) ? integer(value) : value;
}

function bytes(value: Uint8Array): Uint8Array {
  if (!(value instanceof Uint8Array)) throw invalid('no bytes');
  return value;
}

function text(value: string): string {
  if (typeof value !== 'string') throw invalid('no text');
  if (value.length * 3 > MAX_TEXT && utf8Length(value) > MAX_TEXT) throw invalid(`a text above ${MAX_TEXT} bytes`);
  return wellFormed(value);
}

function pack(value: FieldTypes['value'], depth: number): Packable {
  if (value === null || typeof value === 'boolean' || value instanceof Uint8Array) return value;
  if (typeof value === 'number') return number(value);
  if (typeof value === 'string') return text(value);
  if (typeof value !== 'object') throw invalid(`a value of type ${typeof value}`);
  if (depth === 0) throw invalid('a value nested too deep');
  if (isArray(value)) return value.map((item) => pack(item, depth - 1));
  return new Map(Object.entries(value).map(([key, item]) => [text(key), pack(item, depth - 1)]));
}

/** Array.isArray does not narrow readonly arrays. */
function isArray(value: object): value is readonly FieldTypes['value'][] {
  return Array.isArray(value);
}
