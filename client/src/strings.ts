/** The byte strings of `ConnectOptions.strings`, with the host's UTF-8 coder, which the core does not see. */
import type { StringMode } from './api.ts';
import { BINARY_STRINGS, byteStrings, type Strings, type TextCoder, utf8Strings } from './core/strings.ts';

/** @throws RangeError for an unknown mode. */
export function stringsOf<B>(mode: StringMode): Strings<B> {
  return select(mode) as Strings<unknown> as Strings<B>;
}

function select(mode: StringMode): Strings {
  switch (mode) {
    case 'utf8':
      return utf8Strings(textCoder());
    case 'bytes':
      return byteStrings(textCoder());
    case 'binary':
      return BINARY_STRINGS;
    default:
      throw new RangeError(`options.strings is 'utf8', 'bytes' or 'binary', not '${mode}'`);
  }
}

function textCoder(): TextCoder {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  return {
    encode: (text) => encoder.encode(text),
    decode: (bytes) => decoder.decode(bytes),
  };
}
