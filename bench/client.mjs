/** The process of one contender's client: takes the names of cases, measures, answers with a sample each. node client.mjs CONTENDER PLACE */
import { measureOf } from './cases/node.mjs';
import { nodeDial } from './clients/node.mjs';
import { costOf } from './lib/cost.mjs';

const [contender = '', json = ''] = process.argv.slice(2);
/** @type {import('./types.ts').Place} */
const place = JSON.parse(json);
const dial = await nodeDial(contender, place.root);

/** @param {{ name: string, seconds: number }} order @returns {Promise<import('./types.ts').Sample>} */
async function sample({ name, seconds }) {
  /** @type {import('./types.ts').Client[]} */
  const clients = [];
  const bench = {
    place,
    seconds,
    contender,
    async dial(/** @type {string | undefined} */ url) {
      const client = await dial(place, url);
      clients.push(client);
      return client;
    },
    cost: async () => costOf(place.pid),
  };
  try {
    return { figures: await measureOf(name)(bench) };
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  } finally {
    for (const client of clients) client.close();
  }
}

process.on('message', async (order) => {
  process.send?.(await sample(/** @type {{ name: string, seconds: number }} */ (order)));
});
process.on('disconnect', () => process.exit(0));
