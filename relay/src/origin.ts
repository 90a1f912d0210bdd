/**
 * Which pages may open a WebSocket to this relay. A browser lets any page try, and says which page it is; so this is
 * what keeps strangers' pages from using the relay of whoever visits them. The Host header is not asked: a page whose
 * name has been rebound to this machine controls it.
 */
import type { Config } from './config.ts';

const LOOPBACK_HOSTS: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** The settings that it depends on; origins may change while the relay runs. */
type Welcome = Pick<Config, 'mode' | 'allowNoOrigin' | 'listen'> & { readonly origins: readonly string[] };

/** @param origin the Origin header; undefined when there is none, as from a program that is no browser. */
export function isOriginAllowed(origin: string | undefined, config: Welcome, port: number): boolean {
  const development = config.mode === 'development';
  if (origin === undefined) return development || config.allowNoOrigin;
  if (config.origins.includes(origin)) return true;
  if (!development) return false;
  let url: URL;
  try {
    url = new URL(origin);
  } catch {
    return false;
  }
  if (url.origin !== origin || (url.protocol !== 'http:' && url.protocol !== 'https:')) return false;
  return LOOPBACK_HOSTS.includes(url.hostname) || origin === `http://${hostText(config.listen.host)}:${port}`;
}

/** A host as it stands in a URL. */
export function hostText(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
