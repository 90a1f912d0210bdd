/**
 * From a frame to its bytes: DATA and DATAGRAM laid by hand, all others written field by field as the frame table says.
 * Every field is checked, so that a defect here is found here and not by the peer.
 */
import { type Endpoint, packEndpoint } from '../address.ts';
import { ProtocolError } from '../errors.ts';
import type { FieldType, FieldTypes, Frame, FrameOf, Value } from '../frames.ts';
import { MAX_TEXT } from '../limits.ts';
import { MAX_DEPTH } from './cursor.ts';
import { layData, layDatagram, OWN_ROOM, type Room } from './data.ts';
import { PLANS } from './plan.ts';
import { checkDatagram, checkRange, RANGES, type Range } from './rules.ts';
import { utf8Length } from './utf8.ts';
import { Writer } from './writer.ts';

/** What it has given out it never writes again, so frames may be kept. */
const out = new Writer();

type Writers = { readonly [T in FieldType]: (value: FieldTypes[T]) => void };

const WRITERS: Writers = {
  uint: (value) => {
    if (!Number.isSafeInteger(value) || value < 0) throw invalid('no unsigned integer');
    out.integer(value);
  },
  int: (value) => {
    if (value !== (value | 0)) throw invalid('no 32-bit integer');
    out.integer(value);
  },
  number,
  bool: (value) => {
    if (typeof value !== 'boolean') throw invalid('no bool');
    out.bool(value);
  },
  text,
  'text?': (value) => (value === null ? out.nil() : text(value)),
  bytes: (value) => out.binary(bytes(value)),
  endpoint,
  'endpoint?': (value) => (value === null ? out.nil() : endpoint(value)),
  'target?': (value) => {
    if (value === null || !('request' in value)) return WRITERS['endpoint?'](value);
    out.array(2);
    WRITERS.uint(value.request);
    WRITERS.uint(value.index);
  },
  option: (value) => {
    const parts: unknown[] = isMap(value) ? Object.values(value) : [value];
    if (parts.some((part) => typeof part === 'object' && part !== null)) throw invalid('no option value');
    write(value, 1);
  },
  value: (value) => write(value, MAX_DEPTH),
};

/**
 * One frame alone, to be put into a message. Payloads are copied once; no frame keeps a reference to what it was made
 * of. Small frames are views of buffers that they share: never transfer such a buffer to another thread.
 * @throws ProtocolError `internal` when a field has the wrong type, range or size: a defect of the caller, who has
 * to check what comes from users (sizes: limits.ts, `utf8Length`).
 */
export function encodeFrame(frame: Frame): Uint8Array {
  try {
    if (frame.type === 'data') return encodeData(frame, OWN_ROOM);
    if (frame.type === 'datagram') {
      checkPayload(frame.socket, frame.payload, RANGES.datagram.payload);
      checkDatagram(frame, 'client');
      return layDatagram(frame);
    }
    return writeFields(frame);
  } catch (error) {
    throw invalid(`${frame.type} cannot be encoded: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * The same for a DATA, in memory that `room` gives.
 * @throws ProtocolError `internal`
 */
export function encodeData({ socket, payload }: FrameOf<'data'>, room: Room): Uint8Array {
  checkPayload(socket, payload, RANGES.data.payload);
  return layData(socket, payload, room);
}

function checkPayload(socket: number, payload: Uint8Array, range: Range): void {
  if (socket !== socket >>> 0) throw invalid(`socket ${socket}`);
  checkRange(bytes(payload).length, range, 'payload');
}

function writeFields(frame: Frame): Uint8Array {
  const plan = PLANS.get(frame.type);
  if (!plan) throw invalid('no such frame');
  out.begin();
  out.array(plan.fields.length + 1);
  out.integer(plan.code);
  const values = frame as unknown as { readonly [name: string]: FieldTypes[FieldType] };
  for (const { name, type, range } of plan.fields) {
    const value = values[name];
    WRITERS[type](value as never);
    if (range) checkRange(value instanceof Uint8Array ? value.length : Number(value), range, name);
  }
  if (frame.type === 'sendto') checkDatagram(frame, 'client');
  return out.take();
}

function invalid(what: string): ProtocolError {
  return new ProtocolError('internal', what);
}

function number(value: number): void {
  if (typeof value !== 'number' || Number.isNaN(value)) throw invalid('no number');
  if (Number.isSafeInteger(value)) out.integer(value);
  else out.float(value);
}

function bytes(value: Uint8Array): Uint8Array {
  if (!(value instanceof Uint8Array)) throw invalid('no bytes');
  return value;
}

function endpoint(value: Endpoint): void {
  out.binary(packEndpoint(value));
}

function text(value: string): void {
  if (typeof value !== 'string') throw invalid('no text');
  if (value.length * 3 > MAX_TEXT && utf8Length(value) > MAX_TEXT) throw invalid(`a text above ${MAX_TEXT} bytes`);
  out.text(value);
}

function write(value: Value, depth: number): void {
  if (value === null) out.nil();
  else if (typeof value === 'boolean') out.bool(value);
  else if (typeof value === 'number') number(value);
  else if (typeof value === 'string') text(value);
  else if (value instanceof Uint8Array) out.binary(value);
  else if (typeof value !== 'object') throw invalid(`a value of type ${typeof value}`);
  else if (depth === 0) throw invalid('a value nested too deep');
  else if (isMap(value)) {
    const entries = Object.entries(value);
    out.map(entries.length);
    for (const [key, item] of entries) {
      text(key);
      write(item, depth - 1);
    }
  } else {
    out.array(value.length);
    for (const item of value) write(item, depth - 1);
  }
}

/** Neither scalar nor bytes nor array; Array.isArray alone does not narrow readonly arrays. */
function isMap(value: Value): value is { readonly [key: string]: Value } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
