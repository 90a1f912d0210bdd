/** PROTOCOL.md against the code: the tables say the same, and the sample session is what the codec makes of it. */
import { readFileSync } from 'node:fs';
import { decodeFrames, encodeFrame } from '@luasocket-web/shared/codec';
import { FAULTS } from '@luasocket-web/shared/errors';
import { type Direction, type FieldTypes, FRAMES, type Frame, PROTOCOL_VERSION } from '@luasocket-web/shared/frames';
import * as limits from '@luasocket-web/shared/limits';
import { isSequenced, Link } from '@luasocket-web/shared/link';
import { describe, expect, test } from 'vitest';
import { bytesOf, hexOf } from './hex.ts';

const text = readFileSync(new URL('../../PROTOCOL.md', import.meta.url), 'utf8');

/** The rows of the table whose first column is called `first`, without its heading. */
function table(first: string): string[][] {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${first} |`));
  expect(start).toBeGreaterThan(0);
  const rows = lines.slice(start + 2);
  const end = rows.findIndex((line) => !line.startsWith('|'));
  return rows.slice(0, end).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** The section with this heading. */
function section(heading: string): string {
  const [, rest = ''] = text.split(`\n## ${heading}\n`);
  return rest.split('\n## ')[0] ?? '';
}

describe('the frame table', () => {
  test('names, numbers, directions and fields are those of frames.ts', () => {
    const stated = table('number').map(([number, name, from, sequenced, fields]) => ({
      code: Number(number),
      name: name?.toLowerCase(),
      from,
      sequenced: sequenced === 'yes',
      fields,
    }));
    const coded = Object.entries(FRAMES).map(([name, { code, from, sequenced, fields }]) => ({
      code,
      name,
      from,
      sequenced,
      fields: Object.entries(fields)
        .map(([field, type]) => `${field} ${type}`)
        .join(', '),
    }));
    expect(stated).toEqual(coded);
  });

  test('numbers are unique and in the range of their direction', () => {
    const specs: { code: number; from: Direction; sequenced: boolean }[] = Object.values(FRAMES);
    expect(new Set(specs.map(({ code }) => code)).size).toBe(specs.length);
    for (const { code, from, sequenced } of specs) {
      // One byte of msgpack.
      expect(code).toBeLessThan(128);
      if (code < 16) expect(sequenced).toBe(false);
      else expect(from).toBe(code < 48 ? 'client' : code < 64 ? 'both' : 'relay');
    }
  });

  test('every field type is explained', () => {
    const explained = table('type').map(([type]) => type?.replaceAll('`', ''));
    const used = Object.values(FRAMES).flatMap(({ fields }) => Object.values(fields as object));
    const types = new Set(used.map((type: keyof FieldTypes) => type.replace('?', '')));
    for (const type of types) expect(explained).toContain(type);
  });
});

test('the faults are those of errors.ts', () => {
  const stated = table('name').map(([name, close]) => [name, Number(close)]);
  expect(stated).toEqual(Object.entries(FAULTS).map(([name, { close }]) => [name, close]));
  const closes = Object.values(FAULTS).map(({ close }) => close);
  expect(closes).toEqual(closes.map((_, index) => 4000 + index));
});

test('the version and the limits are those of the code', () => {
  expect(text).toContain(`# The luasocket-web protocol, version ${PROTOCOL_VERSION}\n`);
  const stated = section('10. Limits').replace(/\s+/g, ' ');
  const number = (value: number) => value.toLocaleString('en-US');
  for (const phrase of [
    `message ${number(limits.MAX_MESSAGE)} bytes`,
    `payload of DATA ${number(limits.MAX_DATA)}`,
    `datagram ${number(limits.MAX_DATAGRAM_V4)} (IPv4) or ${number(limits.MAX_DATAGRAM_V6)} (IPv6)`,
    `text ${limits.MAX_TEXT}`,
    `sockets ${limits.MAX_SOCKETS}`,
    `pools ${limits.POOL_INITIAL / 2 ** 20} MiB growing to ${limits.POOL_MAX / 2 ** 20} MiB`,
    `queue of a UDP socket ${number(limits.DATAGRAM_QUEUE)} bytes with ${limits.DATAGRAM_OVERHEAD} for each datagram`,
    `unanswered requests ${limits.MAX_PENDING_REQUESTS}`,
    `results usable as targets ${limits.MAX_RESOLUTIONS}`,
    `addresses of a name ${limits.MAX_ADDRESSES}`,
    `first frame ${limits.HANDSHAKE_MILLISECONDS / 1000} s`,
    `ping ${limits.PING_MILLISECONDS / 1000} s`,
    `dead after ${limits.DEAD_MILLISECONDS / 1000} s`,
    `resume ${limits.RESUME_SECONDS} s`,
  ]) {
    expect(stated).toContain(phrase);
  }
});

describe('the sample session', () => {
  const messages = sample();

  test('is complete: from HELLO to CLOSE', () => {
    const types = messages.flatMap(({ parts }) => parts.map(({ meaning }) => meaning.split(' ')[0]));
    for (const type of ['CHALLENGE', 'HELLO', 'WELCOME', 'OPEN', 'CONNECT', 'CONNECTED', 'DATA', 'END', 'CLOSE']) {
      expect(types).toContain(type);
    }
  });

  test.each(messages)('$parts.0.meaning', ({ sender, parts }) => {
    const frames = decodeFrames(bytesOf(parts.map(({ hex }) => hex).join('')), sender);
    expect(frames.map(meaningOf)).toEqual(parts.map(({ meaning }) => meaning));
    expect(frames.map((frame) => hexOf(encodeFrame(frame)))).toEqual(parts.map(({ hex }) => hex));
  });

  test('its acknowledgements are what the link says, and cover all', () => {
    const links = { client: new Link(), relay: new Link() };
    for (const { sender, parts } of messages) {
      const other = sender === 'client' ? 'relay' : 'client';
      for (const frame of decodeFrames(bytesOf(parts.map(({ hex }) => hex).join('')), sender)) {
        if (frame.type === 'ack') {
          expect(frame.received).toBe(links[sender].takeAck());
          links[other].acknowledged(frame.received);
        } else if (isSequenced(frame.type)) {
          links[sender].sent(encodeFrame(frame));
          links[other].received(1);
        }
      }
    }
    expect([links.client.unacknowledgedFrames, links.relay.unacknowledgedFrames]).toEqual([0, 0]);
  });
});

interface Message {
  readonly sender: 'client' | 'relay';
  readonly parts: { hex: string; meaning: string }[];
}

/** Paragraphs are messages; lines begin with the sender or blanks, and those further in state a meaning. */
function sample(): Message[] {
  const [, block = ''] = section('11. A sample session in hex').split('```');
  return block
    .trim()
    .split('\n\n')
    .map((paragraph) => {
      const lines = paragraph.split('\n');
      const sender = lines[0]?.startsWith('client') ? 'client' : 'relay';
      const parts: { hex: string; meaning: string }[] = [];
      let inMeaning = true;
      for (const line of lines) {
        const body = line.slice(7);
        const isMeaning = body.startsWith('  ');
        if (!isMeaning && inMeaning) parts.push({ hex: '', meaning: '' });
        inMeaning = isMeaning;
        const part = parts.at(-1);
        if (!part) continue;
        if (isMeaning) part.meaning = `${part.meaning} ${body.trim()}`.trim();
        else part.hex += body.replaceAll(' ', '');
      }
      return { sender, parts };
    });
}

/** A frame in the words of the sample. */
function meaningOf(frame: Frame): string {
  const { type, ...fields } = frame;
  const stated = Object.entries(fields).map(([name, value]) => `${name}=${wordsOf(value, name === 'payload')}`);
  return [type.toUpperCase(), ...stated].join(' ');
}

function wordsOf(value: unknown, quoted: boolean): string {
  if (value === null) return 'nil';
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => wordsOf(item, false)).join(', ')}]`;
  if (value instanceof Uint8Array) return quoted ? JSON.stringify(String.fromCharCode(...value)) : hexOf(value);
  if (typeof value !== 'object') return String(value);
  if ('request' in value && 'index' in value) return `answer ${value.index} of ${value.request}`;
  if ('address' in value && 'port' in value) {
    return String(value.address).includes(':') ? `[${value.address}]:${value.port}` : `${value.address}:${value.port}`;
  }
  return JSON.stringify(value);
}
