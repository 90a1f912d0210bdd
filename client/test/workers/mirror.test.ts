/** The mirror: numbers as they were at one moment. */
import { expect, test } from 'vitest';
import { MIRROR_BYTES, Mirror, type Mirrored } from '../../src/workers/mirror.ts';

const numbers = (n: number): Mirrored => ({
  framesSent: n,
  framesReceived: n + 1,
  messagesSent: n + 2,
  messagesReceived: n + 3,
  bytesSent: n + 4,
  bytesReceived: n + 5,
  resumes: n + 6,
  roundtrip: n / 3,
  offset: 1e9 + n / 7,
});

function pair() {
  const memory = new SharedArrayBuffer(64 + MIRROR_BYTES);
  return { memory, writer: new Mirror(memory, 64), reader: new Mirror(memory, 64) };
}

test('what is written is read, exactly, and the version tells that it has changed', () => {
  const { writer, reader } = pair();
  expect(reader.read()).toEqual(Object.fromEntries(Object.keys(numbers(0)).map((name) => [name, 0])));
  for (let n = 0; n < 5; n++) {
    const before = reader.version;
    writer.write(numbers(n));
    expect(reader.version).not.toBe(before);
    expect(reader.read()).toEqual(numbers(n));
  }
  writer.write({ ...numbers(9), roundtrip: Number.NaN });
  expect(reader.read().roundtrip).toBeNaN();
});

test('a writer that died while it wrote leaves what was there before', () => {
  const { memory, writer, reader } = pair();
  writer.write(numbers(1));
  expect(reader.read()).toEqual(numbers(1));
  Atomics.add(new Int32Array(memory), 16, 1);
  new Float64Array(memory).fill(-1, 9);
  expect(reader.read()).toEqual(numbers(1));
});
