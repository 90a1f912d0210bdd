/** How each case is measured that can be measured in a page, too. Knows neither Node nor the page. */
import { download, upload } from './bulk.mjs';
import { datagrams } from './datagrams.mjs';
import { roundtrip, udpRoundtrip } from './roundtrip.mjs';

/** @type {Readonly<Record<string, import('../types.ts').Measure>>} */
export const ANYWHERE = { roundtrip, 'udp-roundtrip': udpRoundtrip, download, upload, datagrams };
