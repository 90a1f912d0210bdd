/** IPv4 addresses as inet_aton(3) reads them, which LuaSocket's options do: `127.1`, `0x7f.1`, `010.0.0.1`, `1`. */

/** The address in plain form, or null. */
export function aton(text: string): string | null {
  // glibc takes anything after a blank.
  const [address = ''] = text.split(/[ \t\n\v\f\r]/, 1);
  const parts = address.split('.');
  if (parts.length > 4) return null;
  const numbers: number[] = [];
  for (const part of parts) {
    const number = parsePart(part);
    if (number === null) return null;
    numbers.push(number);
  }
  // The last part fills all bytes that are left.
  const last = numbers.pop() as number;
  if (numbers.some((number) => number > 0xff) || last >= 256 ** (4 - numbers.length)) return null;
  for (let place = 4 - numbers.length - 1; place >= 0; place--) numbers.push(Math.floor(last / 256 ** place) % 256);
  return numbers.join('.');
}

/** A number in C's notation: decimal, octal after 0, hexadecimal after 0x. */
function parsePart(part: string): number | null {
  if (/^0x[\da-f]+$/i.test(part)) return Number.parseInt(part, 16);
  if (/^0[0-7]*$/.test(part)) return Number.parseInt(part, 8);
  return /^[1-9]\d*$/.test(part) ? Number(part) : null;
}
