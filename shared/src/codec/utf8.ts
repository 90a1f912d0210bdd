/**
 * UTF-8 without TextEncoder and TextDecoder, which neither ES2022 nor `types: []` knows; texts here are short.
 * Strict both ways, so that both ends agree on every byte.
 */

/** Bytes of `text` in UTF-8; a lone surrogate counts as the U+FFFD that it becomes. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    // A pair is 4 bytes for 2 units, each unit of it 1 more.
    bytes += unit < 0x800 || isPair(text, i) || (i > 0 && isPair(text, i - 1)) ? 1 : 2;
  }
  return bytes;
}

/** Writes `text` at b[at..], with U+FFFD for lone surrogates, which have no UTF-8: `utf8Length` bytes. */
export function writeUtf8(text: string, b: Uint8Array, at: number): void {
  for (let i = 0; i < text.length; i++) {
    let point = text.charCodeAt(i);
    if (point < 0x80) {
      b[at++] = point;
      continue;
    }
    if (isPair(text, i)) point = text.codePointAt(i++) ?? 0;
    else if ((point & 0xf800) === 0xd800) point = 0xfffd;
    const more = point < 0x800 ? 1 : point < 0x1_0000 ? 2 : 3;
    b[at++] = (0xff80 >> more) | (point >> (more * 6));
    for (let shift = (more - 1) * 6; shift >= 0; shift -= 6) b[at++] = 0x80 | ((point >> shift) & 0x3f);
  }
}

/** The text in b[from..to), or null when those bytes are no UTF-8 (RFC 3629: no overlong forms, surrogates, > U+10FFFF). */
export function decodeUtf8(b: Uint8Array, from: number, to: number): string | null {
  let text = '';
  let at = from;
  while (at < to) {
    const lead = b[at++] ?? 0;
    if (lead < 0x80) {
      text += String.fromCharCode(lead);
      continue;
    }
    const more =
      lead >= 0xc2 && lead < 0xe0 ? 1 : lead >= 0xe0 && lead < 0xf0 ? 2 : lead >= 0xf0 && lead < 0xf5 ? 3 : 0;
    if (more === 0 || to - at < more) return null;
    let point = lead & (0x3f >> more);
    for (let i = 0; i < more; i++) {
      const next = b[at++] ?? 0;
      if ((next & 0xc0) !== 0x80) return null;
      point = (point << 6) | (next & 0x3f);
    }
    const overlong = (more === 2 && point < 0x800) || (more === 3 && point < 0x1_0000);
    if (overlong || point > 0x10_ffff || (point >= 0xd800 && point < 0xe000)) return null;
    text += String.fromCodePoint(point);
  }
  return text;
}

function isPair(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00;
}
