/** Arbitrary frames for properties: driven by the frame table, so that no frame can be forgotten. */
import { type Endpoint, unpackEndpoint } from '@luasocket-web/shared/address';
import { type FieldType, FRAMES, type Frame, type FrameName } from '@luasocket-web/shared/frames';
import * as limits from '@luasocket-web/shared/limits';
import fc from 'fast-check';

const bytes = (min: number, max: number) => fc.uint8Array({ minLength: min, maxLength: max });
const exactly = (length: number) => bytes(length, length);

const integer = fc.oneof(fc.integer(), fc.maxSafeInteger());
const uint = fc.oneof(fc.nat({ max: 300 }), fc.maxSafeNat(), fc.nat({ max: 0xffff_ffff }));
const number = fc.oneof(integer, fc.double({ noNaN: true })).map((value) => (Object.is(value, -0) ? 0 : value));
/** Any text without lone surrogates. */
const text = fc.string({ unit: 'binary', maxLength: 40 });
const scalar = fc.oneof(fc.constant(null), fc.boolean(), number, text);
const dictionary = <T>(value: fc.Arbitrary<T>) => fc.dictionary(text, value, { maxKeys: 4, noNullPrototype: true });

export const endpoint: fc.Arbitrary<Endpoint> = fc
  .oneof(exactly(6), exactly(18), exactly(22))
  .map((packed) => unpackEndpoint(packed));

export const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(scalar, bytes(0, 30)),
    fc.array(tie('value'), { maxLength: 4 }),
    dictionary(tie('value')),
  ),
}));

const BY_TYPE: { readonly [T in FieldType]: fc.Arbitrary<unknown> } = {
  uint,
  int: fc.integer(),
  number,
  bool: fc.boolean(),
  text,
  'text?': fc.option(text),
  bytes: bytes(0, 400),
  endpoint,
  'endpoint?': fc.option(endpoint),
  'target?': fc.option(fc.oneof(endpoint, fc.record({ request: uint, index: uint }))),
  option: fc.oneof(scalar, dictionary(scalar)),
  value,
};

const KIND = fc.constantFrom(0, 1);
const FAMILY = fc.constantFrom(4, 6);
const U32 = fc.nat({ max: 0xffff_ffff });

/** Fields with less room than their type. */
const BY_FIELD: { readonly [N in FrameName]?: { readonly [field: string]: fc.Arbitrary<unknown> } } = {
  hello: { version: fc.constant(1) },
  challenge: { version: fc.constant(1), nonce: exactly(limits.NONCE_BYTES), epoch: exactly(limits.EPOCH_BYTES) },
  welcome: {
    version: fc.constant(1),
    session: exactly(limits.SESSION_BYTES),
    key: exactly(limits.KEY_BYTES),
    epoch: exactly(limits.EPOCH_BYTES),
  },
  resume: {
    version: fc.constant(1),
    session: exactly(limits.SESSION_BYTES),
    generation: U32,
    mac: exactly(limits.MAC_BYTES),
  },
  resumed: { mac: exactly(limits.MAC_BYTES) },
  open: { kind: KIND, family: FAMILY },
  resolve: { family: fc.constantFrom(0, 4, 6), kind: KIND, use: fc.nat({ max: 3 }) },
  shutdown: { how: fc.nat({ max: 2 }) },
  data: { payload: bytes(1, 400) },
  lease: { kind: KIND, family: FAMILY, port: fc.integer({ min: 1, max: 65_535 }) },
};

const names = Object.keys(FRAMES) as FrameName[];

function frameOf(type: FrameName): fc.Arbitrary<Frame> {
  const fields = Object.entries(FRAMES[type].fields as { readonly [field: string]: FieldType });
  const model = Object.fromEntries(
    fields.map(([field, kind]) => {
      const own = field === 'socket' || field === 'listener' ? U32 : BY_FIELD[type]?.[field];
      return [field, own ?? BY_TYPE[kind]];
    }),
  );
  return fc.record({ type: fc.constant(type), ...model }) as unknown as fc.Arbitrary<Frame>;
}

/** An arbitrary for each frame, by name. */
export const FRAME_ARBITRARIES: ReadonlyMap<FrameName, fc.Arbitrary<Frame>> = new Map(
  names.map((name) => [name, frameOf(name)]),
);
export const anyFrame: fc.Arbitrary<Frame> = fc.oneof(...FRAME_ARBITRARIES.values());

/** Who may send `frame`. */
export function senderOf(frame: Frame): 'client' | 'relay' {
  const { from } = FRAMES[frame.type];
  return from === 'both' ? 'client' : from;
}

/** Frames that one end may send together. */
export function anyFrameFrom(sender: 'client' | 'relay'): fc.Arbitrary<Frame> {
  const own = names.filter((name) => FRAMES[name].from === sender || FRAMES[name].from === 'both');
  return fc
    .oneof(...own.map(frameOf))
    .filter((frame) => sender === 'client' || frame.type !== 'datagram' || frame.peer !== null);
}
