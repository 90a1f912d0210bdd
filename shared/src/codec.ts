/**
 * The codec: frames to bytes and back. Everything that goes over the WebSocket passes here, and nothing else in the
 * project knows msgpack. Whatever the bytes, only a ProtocolError leaves it.
 */
export { DATA_HEADER, frameInPlace } from './codec/data.ts';
export { decodeFrames } from './codec/decode.ts';
export { encodeData, encodeFrame } from './codec/encode.ts';
export { MessageWriter } from './codec/message.ts';
export { utf8Length } from './codec/utf8.ts';
