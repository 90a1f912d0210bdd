/** Any valid frames in any order: answers, or a fault that is the client's; never a defect of the relay, never a leak. */
import { type Frame, KIND } from '@luasocket-web/shared/frames';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RawClient } from './support/client.ts';
import { startRelay, until } from './support/relay.ts';

// Port 1 refuses, 0 is odd; both families, so that they do not fit the socket now and then.
const endpoint = fc.oneof(
  fc.record({
    family: fc.constant(4 as const),
    address: fc.constantFrom('127.0.0.1', '0.0.0.0'),
    port: fc.constantFrom(0, 1),
  }),
  fc.record({ family: fc.constant(6 as const), address: fc.constantFrom('::1', '::'), port: fc.constantFrom(0, 1) }),
);
const target = fc.oneof(
  endpoint,
  fc.constant(null),
  fc.record({ request: fc.integer({ min: 1, max: 20 }), index: fc.integer({ min: 0, max: 2 }) }),
);
const payload = fc.uint8Array({ minLength: 1, maxLength: 100 });
const kind = fc.constantFrom(KIND.tcp, KIND.udp);
const option = fc.constantFrom('keepalive', 'linger', 'broadcast', 'error', 'ip-add-membership', 'no-such-option');
const value = fc.oneof(
  fc.boolean(),
  fc.integer({ min: -5, max: 300 }),
  fc.constant(null),
  fc.constant({ on: true, timeout: 0 }),
  fc.constant({ multiaddr: '239.1.2.3', interface: '*' }),
  fc.constant({ multiaddr: 'nonsense' }),
);
const family = fc.constantFrom(4, 6);
const backlog = fc.integer({ min: -1, max: 5 });
const how = fc.integer({ min: 0, max: 2 });
const question = {
  host: fc.constantFrom('localhost', '127.0.0.1', '', 'not a name', null),
  service: fc.constantFrom('1', 'http', 'no-such-service', null),
  family: fc.constantFrom(0, 4, 6),
  kind,
  use: fc.integer({ min: 0, max: 3 }),
};
const name = fc.constantFrom('localhost', '127.0.0.1', '::1', '');

/** A frame but for its request number, which has to count upwards. */
type Step = (request: number) => Frame;
const make = <T extends object>(
  shape: { [K in keyof T]: fc.Arbitrary<T[K]> },
  frame: (fields: T, request: number) => Frame,
) =>
  fc.record(shape).map(
    (fields): Step =>
      (request) =>
        frame(fields as T, request),
  );

/** What is no fault whatever the state: the ids 1 and 2 are TCP sockets, 3 and 4 UDP sockets. */
const tcp = fc.constantFrom(1, 2);
const udp = fc.constantFrom(3, 4);
const socket = fc.integer({ min: 1, max: 4 });
const fine: fc.Arbitrary<Step>[] = [
  make(question, (f, request) => ({ type: 'resolve', request, ...f })),
  make({ socket, target }, (f, request) => ({ type: 'bind', request, ...f })),
  make({ socket, target }, (f, request) => ({ type: 'connect', request, ...f })),
  make({ socket, target }, (f, request) => ({ type: 'connect', request, ...f })),
  make({ socket: tcp, backlog }, (f, request) => ({ type: 'listen', request, ...f })),
  make({ socket: tcp, how }, (f) => ({ type: 'shutdown', ...f })),
  make({ socket, option, value }, (f, request) => ({ type: 'setoption', request, ...f })),
  make({ socket, option }, (f, request) => ({ type: 'getoption', request, ...f })),
  make({ socket }, (f, request) => ({ type: 'getsockname', request, ...f })),
  make({ socket: udp, peer: fc.option(endpoint), payload }, (f, request) => ({ type: 'sendto', request, ...f })),
  make({ socket: udp, peer: fc.option(endpoint), payload }, (f) => ({ type: 'datagram', ...f })),
  make({ socket: udp, bytes: fc.nat(100) }, (f) => ({ type: 'credit', ...f })),
  make({ bytes: fc.nat(9) }, (f) => ({ type: 'pool', ...f })),
  make({ name }, (f, request) => ({ type: 'hostent', request, ...f })),
  make({}, (_, request) => ({ type: 'barrier', request })),
  make({}, () => ({ type: 'ping', token: 1 })),
];
/** What is a fault in most states. */
const risky: fc.Arbitrary<Step>[] = [
  make({ socket: fc.integer({ min: 4, max: 6 }), kind, family }, (f) => ({ type: 'open', ...f })),
  make({ socket, backlog }, (f, request) => ({ type: 'listen', request, ...f })),
  make({ socket, payload }, (f) => ({ type: 'data', ...f })),
  make({ socket }, (f) => ({ type: 'accept', ...f })),
  make({ socket, consumed: fc.nat(9) }, (f) => ({ type: 'close', ...f })),
  make({ socket, bytes: fc.nat(9) }, (f) => ({ type: 'credit', ...f })),
];
const step = fc.oneof({ weight: 25, arbitrary: fc.oneof(...fine) }, { weight: 1, arbitrary: fc.oneof(...risky) });
const opens: fc.Arbitrary<Frame[]> = fc
  .tuple(family, family, family, family)
  .map((families) =>
    families.map((f, i) => ({ type: 'open', socket: i + 1, kind: i < 2 ? KIND.tcp : KIND.udp, family: f })),
  );

test('the relay answers or finds fault, and keeps nothing', async () => {
  const relay = await startRelay();
  await fc.assert(
    fc.asyncProperty(
      opens,
      fc.array(step, { minLength: 1, maxLength: 25 }),
      fc.boolean(),
      async (first, steps, together) => {
        const client = await RawClient.connect(relay, 1);
        const frames = [...first, ...steps.map((frame) => frame(client.number()))];
        // In one message the relay gets no turn between them.
        if (together) client.send(...frames);
        else for (const frame of frames) client.send(frame);
        const last = client.number();
        client.send({ type: 'barrier', request: last });
        const fault = client.next('fault').then(
          ({ code, message }) => `${code}: ${message}`,
          () => null,
        );
        const outcome = await Promise.race([
          fault,
          client.answer(last).then(
            () => null,
            () => fault,
          ),
        ]);
        expect(outcome ?? '').not.toMatch(/^(internal|malformed)/);
        client.ws.close(1000);
        await client.closed;
        await until(() => relay.stats.sessions === 0);
        expect(relay.stats).toEqual({ sessions: 0, sockets: 0, keptBytes: 0 });
      },
    ),
    { numRuns: 300 },
  );
});
