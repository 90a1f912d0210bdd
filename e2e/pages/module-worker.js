import { talk } from './talk.js';

addEventListener('message', async ({ data }) => postMessage(await talk(data)));
