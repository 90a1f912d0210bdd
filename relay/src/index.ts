/** luasocket-relay, for embedding and tests. The command is cli.ts. */
export { ConfigError, type ConfigInput as RelayConfig } from './config.ts';
export { createRelay, type Relay } from './relay.ts';
