/** Starts the page, connected to the relay that serves it. */
import { Page } from './page.ts';

const relay = new URL('./relay', location.href);
relay.protocol = relay.protocol === 'https:' ? 'wss:' : 'ws:';
new Page().start(relay.href);
