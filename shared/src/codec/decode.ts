/** From a message to its frames: driven by the frame table, save for the two frames that are laid by hand. */
import { type EndpointCache, unpackEndpoint } from '../address.ts';
import { ProtocolError } from '../errors.ts';
import { type FieldType, type FieldTypes, type Frame, PROTOCOL_VERSION } from '../frames.ts';
import { MAX_MESSAGE } from '../limits.ts';
import { Cursor, MAX_DEPTH, malformed } from './cursor.ts';
import { isLaidData, readData, readDatagram } from './data.ts';
import { PLANS_BY_CODE } from './plan.ts';
import { checkDatagram, checkRange, RANGES } from './rules.ts';

/** Who sent the message, which decides what frames it may hold. */
export type Sender = 'client' | 'relay';

type Readers = { readonly [T in FieldType]: (cursor: Cursor, endpoints: EndpointCache | undefined) => FieldTypes[T] };

const READERS: Readers = {
  uint: (cursor) => {
    const value = cursor.integer();
    if (value < 0) throw malformed(`${value} where no negative number may stand`);
    return value;
  },
  int: (cursor) => {
    const value = cursor.integer();
    if (value !== (value | 0)) throw malformed(`${value} is beyond 32 bits`);
    return value;
  },
  number: (cursor) => cursor.number(),
  bool: (cursor) => cursor.bool(),
  text: (cursor) => cursor.text(),
  'text?': (cursor) => (cursor.nil() ? null : cursor.text()),
  bytes: (cursor) => cursor.binary(),
  endpoint: (cursor, endpoints) => (endpoints ? endpoints.unpack(cursor.binary()) : unpackEndpoint(cursor.binary())),
  'endpoint?': (cursor, endpoints) => (cursor.nil() ? null : READERS.endpoint(cursor, endpoints)),
  'target?': (cursor, endpoints) => {
    if (cursor.nil()) return null;
    if (!cursor.atArray) return READERS.endpoint(cursor, endpoints);
    if (cursor.array() !== 2) throw malformed('a target is [request, index]');
    return { request: READERS.uint(cursor, endpoints), index: READERS.uint(cursor, endpoints) };
  },
  option: (cursor) => cursor.map(() => cursor.scalar()) ?? cursor.scalar(),
  value: (cursor) => cursor.value(MAX_DEPTH),
};

/**
 * The frames of one message, in order. Bytes in them are views into `message`, so the message must stay as it is
 * while they are used. `endpoints` saves work where the same peers come again and again.
 * @throws ProtocolError `malformed`, `unexpected` (unknown, or not `from`'s to send), `too_large`,
 * `unsupported_version`; never anything else.
 */
export function decodeFrames(message: Uint8Array, from: Sender, endpoints?: EndpointCache): Frame[] {
  if (message.length > MAX_MESSAGE) throw new ProtocolError('too_large', `a message of ${message.length} bytes`);
  if (message.length === 0) throw malformed('an empty message');
  const cursor = new Cursor(message);
  const frames: Frame[] = [];
  while (!cursor.done) {
    const frame = readLaid(cursor, from, endpoints) ?? readFrame(cursor, from, endpoints);
    frames.push(frame);
  }
  return frames;
}

/** A frame laid by hand; null for any other form, also of DATA and DATAGRAM, and for one that is cut short. */
function readLaid(cursor: Cursor, from: Sender, endpoints: EndpointCache | undefined): Frame | null {
  const { bytes, at } = cursor;
  const frame = isLaidData(bytes, at) ? readData(bytes, at) : readDatagram(bytes, at, endpoints);
  if (!frame) return null;
  cursor.at = frame.payload.byteOffset - bytes.byteOffset + frame.payload.length;
  if (frame.type === 'data') {
    checkRange(frame.payload.length, RANGES.data.payload, 'data payload');
  } else {
    checkRange(frame.payload.length, RANGES.datagram.payload, 'datagram payload');
    checkDatagram(frame, from);
  }
  return frame;
}

function readFrame(cursor: Cursor, from: Sender, endpoints: EndpointCache | undefined): Frame {
  const length = cursor.array();
  const number = READERS.uint(cursor, endpoints);
  const plan = PLANS_BY_CODE.get(number);
  if (!plan || (plan.from !== 'both' && plan.from !== from)) {
    throw new ProtocolError('unexpected', plan ? `${plan.type} from the ${from}` : `frame number ${number}`);
  }
  const frame: Record<string, unknown> = { type: plan.type };
  let read = 1;
  for (const { name, type, range } of plan.fields) {
    if (read++ >= length) throw malformed(`${plan.type} without ${name}`);
    const value = READERS[type](cursor, endpoints);
    // Another version may have other fields, so this comes before any look at them.
    if (name === 'version' && value !== PROTOCOL_VERSION) {
      throw new ProtocolError('unsupported_version', `version ${value}; spoken here: ${PROTOCOL_VERSION}`);
    }
    if (range) checkRange(value instanceof Uint8Array ? value.length : Number(value), range, `${plan.type} ${name}`);
    frame[name] = value;
  }
  if (read !== length) throw malformed(`${plan.type} with ${length - 1} fields`);
  const complete = frame as unknown as Frame;
  if (complete.type === 'datagram' || complete.type === 'sendto') checkDatagram(complete, from);
  return complete;
}
