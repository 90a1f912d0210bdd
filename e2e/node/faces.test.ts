/** The behaviour that all faces have in common, over a real relay, on those that run in Node. */
import { setImmediate as turn } from 'node:timers/promises';
import { connect } from 'luasocket-web';
import { describe, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import { connect as connectPoll } from '../../client/src/poll.ts';
import { type AnyNamespace, BEHAVIOUR } from '../suite/behaviour.ts';
import { startRelay } from './helpers.ts';

const FACES: { readonly [name: string]: (url: string) => Promise<unknown> } = {
  promise: (url) => connect(url, { WebSocket }),
  poll: (url) => connectPoll(url, { WebSocket }),
};

for (const [name, open] of Object.entries(FACES)) {
  describe(name, () => {
    for (const behaviour of BEHAVIOUR) {
      test(behaviour.name, async () => {
        const relay = await startRelay();
        const socket = (await open(relay.address.url)) as AnyNamespace;
        onTestFinished(() => socket.relay.close());
        await behaviour.run(socket, () => turn());
      });
    }
  });
}
